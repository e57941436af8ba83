use tokenseam_core::load::{self, Options};
fn main() {
    for f in std::env::args().skip(1) {
        let b = std::fs::read(&f).unwrap();
        let o = if f.ends_with("tiktoken") {
            Options { pattern: Some("gpt2".into()), ..Default::default() }
        } else {
            Options::default()
        };
        for _ in 0..5 {
            let t = std::time::Instant::now();
            let s = load::from_bytes(&b, &o).unwrap();
            let a = t.elapsed();
            let t = std::time::Instant::now();
            s.validate().unwrap();
            println!("{f} {a:?} validate {:?}", t.elapsed());
        }
    }
}
