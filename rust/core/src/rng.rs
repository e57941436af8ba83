//! Random streams that depend on nothing but their key.
//!
//! Everything random in the crate draws from a [`Stream`], and a stream is a
//! function of `(purpose, seed, epoch, sample)`: never of a thread, a worker,
//! a rank, a clock or of what was drawn before. The generator is ChaCha8
//! (Bernstein 2008, eight rounds) with the key made of these numbers, so that
//! streams of different keys are independent, and the same on every platform.

use chacha20::ChaCha8Rng;
use chacha20::rand_core::{Rng, SeedableRng};

/// What a stream is for; part of its key, so that two uses with the same seed
/// do not draw the same numbers. Values are part of the format: a published
/// result names them through its digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum Purpose {
    /// Tests and examples.
    Testing = 0,
    /// Splitting tokens while training.
    Splitting = 1,
    /// Dropping merges while encoding.
    Dropout = 2,
    /// Drawing a segmentation.
    Segmentation = 3,
    /// Merging random pairs.
    Contracting = 4,
    /// Sampling from a model.
    Sampling = 5,
    /// Ordering samples.
    Shuffling = 6,
}

/// A stream of random numbers.
#[derive(Debug)]
pub struct Stream(ChaCha8Rng);

impl Stream {
    /// The stream of a key.
    pub fn new(purpose: Purpose, seed: u64, epoch: u64, sample: u64) -> Stream {
        let mut key = [0; 32];
        let words = [purpose as u64, seed, epoch, sample];
        for (to, word) in key.as_chunks_mut::<8>().0.iter_mut().zip(words) {
            *to = word.to_le_bytes();
        }
        Stream(ChaCha8Rng::from_seed(key))
    }

    /// 32 random bits.
    #[inline]
    pub fn bits32(&mut self) -> u32 {
        self.0.next_u32()
    }

    /// 64 random bits.
    #[inline]
    pub fn bits64(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A uniform integer below `bound`, without bias (Lemire 2019, "Fast
    /// random integer generation in an interval"); 0 if `bound` is 0.
    #[inline]
    #[allow(clippy::cast_possible_truncation)]
    pub fn below(&mut self, bound: u32) -> u32 {
        let mut product = u64::from(self.bits32()) * u64::from(bound);
        if (product as u32) < bound {
            let reject = bound.wrapping_neg() % bound;
            while (product as u32) < reject {
                product = u64::from(self.bits32()) * u64::from(bound);
            }
        }
        (product >> 32) as u32
    }

    /// A uniform number in `[0, 1)`: a multiple of 2^-53.
    #[inline]
    #[allow(clippy::cast_precision_loss)]
    pub fn unit(&mut self) -> f64 {
        (self.bits64() >> 11) as f64 * (1.0 / (1_u64 << 53) as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_its_key_and_nothing_else() {
        let draw = |purpose, seed, epoch, sample| {
            let mut stream = Stream::new(purpose, seed, epoch, sample);
            [stream.bits64(), stream.bits64()]
        };
        let base = draw(Purpose::Testing, 1, 2, 3);
        assert_eq!(base, draw(Purpose::Testing, 1, 2, 3));
        assert_ne!(base, draw(Purpose::Splitting, 1, 2, 3));
        assert_ne!(base, draw(Purpose::Testing, 2, 2, 3));
        assert_ne!(base, draw(Purpose::Testing, 1, 1, 3));
        assert_ne!(base, draw(Purpose::Testing, 1, 2, 4));
    }

    #[test]
    fn the_numbers_are_fixed_for_all_time() {
        let mut stream = Stream::new(Purpose::Testing, 1, 2, 3);
        let drawn = [stream.bits64(), u64::from(stream.bits32()), u64::from(stream.below(1000))];
        assert_eq!(drawn, GOLDEN);
    }

    const GOLDEN: [u64; 3] = [8_347_075_708_582_681_912, 1_568_790_790, 112];

    #[test]
    fn below_is_uniform_and_in_range() {
        let mut stream = Stream::new(Purpose::Testing, 0, 0, 0);
        assert_eq!(stream.below(0), 0);
        assert_eq!(stream.below(1), 0);
        let mut counts = [0_u32; 6];
        for _ in 0..60_000 {
            let drawn = crate::ids::widen(stream.below(6));
            counts[drawn] += 1;
        }
        // Chi-square with 5 degrees of freedom: 20.5 has probability 0.001.
        let chi: f64 = counts.iter().map(|&count| (f64::from(count) - 1e4).powi(2) / 1e4).sum();
        assert!(chi < 20.5, "{counts:?}");
        let mean = (0..10_000).map(|_| stream.unit()).sum::<f64>() / 1e4;
        assert!((mean - 0.5).abs() < 0.015, "{mean}");
    }
}
