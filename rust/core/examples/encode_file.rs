//! Encodes files one after the other and prints how many ids each has.
//!
//! ```text
//! encode_file VOCABULARY PATTERN FILE...
//! ```
//!
//! `PATTERN` is a pattern or its family's name, or `-` for a file that says it
//! itself. `bench/linear` runs this under callgrind.

use std::path::Path;
use std::process::ExitCode;

use tokenseam_core::load;
use tokenseam_core::tokenizer::{EncodeOptions, Tokenizer};

/// The only part that is measured: callgrind finds it by its name.
#[inline(never)]
fn measured(tokenizer: &Tokenizer, text: &[u8]) -> Result<usize, String> {
    let ids = tokenizer.encode(text, &EncodeOptions::ORDINARY).map_err(|e| e.to_string())?;
    Ok(ids.len())
}

fn run(arguments: &[String]) -> Result<(), String> {
    let [vocabulary, pattern, files @ ..] = arguments else {
        return Err("usage: encode_file VOCABULARY PATTERN FILE...".to_owned());
    };
    let options = load::Options {
        pattern: (pattern != "-").then(|| pattern.clone()),
        ..load::Options::default()
    };
    let spec = load::from_path(Path::new(vocabulary), &options).map_err(|e| e.to_string())?;
    let tokenizer = Tokenizer::new(spec).map_err(|e| e.to_string())?;
    for file in files {
        let text = std::fs::read(file).map_err(|e| format!("cannot read {file}: {e}"))?;
        println!("{} {file}", measured(&tokenizer, &text)?);
    }
    Ok(())
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("error: {problem}");
            ExitCode::FAILURE
        }
    }
}
