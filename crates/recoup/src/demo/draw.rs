//! Draws: the demonstration's own dice.
//!
//! Purpose: the same seed gives the same customers for ever, on every machine and with every
//! version of every library; general-purpose generators promise that for one version only.
//!
//! Invariants: a draw depends on its seed and its name alone, so that another customer more or
//! less changes none of the others.
//!
//! Deliberately absent: secrets. Nothing here is hard to guess.

use uuid::Uuid;

/// SplitMix64 (Steele, Lea, Flood 2014): eight bytes of state, no surprises.
#[derive(Debug, Clone)]
pub(super) struct Draw(u64);

impl Draw {
    /// The dice for one thing: a kind of thing and its number.
    pub(super) fn of(seed: u64, kind: &str, number: u64) -> Self {
        let mut draw = Self(seed);
        for part in kind.bytes().map(u64::from).chain([number]) {
            draw.0 = draw.next() ^ part;
        }
        draw
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 up to, not including, `bound`; 0 for an empty range.
    pub(super) fn below(&mut self, bound: u32) -> u32 {
        let scaled = (self.next() >> 32) * u64::from(bound);
        // The product of two 32-bit numbers, shifted: it fits.
        u32::try_from(scaled >> 32).unwrap_or(0)
    }

    /// A number from `first` to `last`, both included.
    pub(super) fn between(&mut self, first: u32, last: u32) -> u32 {
        first + self.below(last.saturating_sub(first) + 1)
    }

    /// True in so many cases of a hundred.
    pub(super) fn chance(&mut self, percent: u32) -> bool {
        self.below(100) < percent
    }

    /// One of the texts.
    pub(super) fn pick<'a>(&mut self, texts: &[&'a str]) -> &'a str {
        let position = self.below(u32::try_from(texts.len()).unwrap_or(u32::MAX));
        texts.get(position as usize).copied().unwrap_or("")
    }

    /// So many decimal digits.
    pub(super) fn digits(&mut self, count: u32) -> String {
        (0..count).map(|_| char::from(b'0' + self.below(10) as u8)).collect()
    }

    /// An id in the form of version 7 with this time, which is what ids of others look like.
    pub(super) fn id(&mut self, unix_milliseconds: u64) -> Uuid {
        let mut random = [0; 10];
        for byte in &mut random {
            *byte = self.below(256) as u8;
        }
        uuid::Builder::from_unix_timestamp_millis(unix_milliseconds, &random).into_uuid()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_generator_gives_the_published_numbers() {
        let mut draw = Draw(1_234_567);
        let drawn = [draw.next(), draw.next(), draw.next()];
        // Of the reference implementation, https://prng.di.unimi.it/splitmix64.c.
        let published =
            [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423];
        assert_eq!(drawn, published);
    }

    #[test]
    fn draws_are_the_same_for_ever() {
        let mut draw = Draw::of(1, "customer", 7);
        let drawn: Vec<u32> = (0..6).map(|_| draw.below(1000)).collect();
        assert_eq!(drawn, [265, 370, 538, 980, 829, 663]);
    }

    #[test]
    fn draws_stay_in_range_and_reach_all_of_it() {
        let mut draw = Draw::of(3, "range", 0);
        let mut seen = [false; 5];
        for _ in 0..200 {
            seen[draw.between(2, 6) as usize - 2] = true;
        }
        assert_eq!(seen, [true; 5]);
        assert_eq!(draw.below(0), 0);
        assert!(!draw.chance(0) && draw.chance(100));
        assert_eq!(draw.digits(9).len(), 9);
    }

    #[test]
    fn different_things_have_different_dice() {
        let first = |kind, number| Draw::of(1, kind, number).id(0);
        assert_ne!(first("customer", 1), first("customer", 2));
        assert_ne!(first("customer", 1), first("contract", 1));
    }
}
