//! Randomness without state: every value is a hash of what it is for, so any window of the past can be asked at any time.

/// Hashes a list of words (SplitMix64's finaliser over a running state).
pub(crate) fn mix(parts: &[u64]) -> u64 {
    parts.iter().fold(0x9E37_79B9_7F4A_7C15, |state, part| {
        let mut word = state.rotate_left(23) ^ part.wrapping_mul(0xD6E8_FEB8_6659_FD93);
        word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        word ^ (word >> 31)
    })
}

/// A hash as a number in [0, 1).
pub(crate) fn unit(hash: u64) -> f64 {
    (hash >> 11) as f64 / (1_u64 << 53) as f64
}

/// A hash as a number in [-1, 1).
pub(crate) fn signed(hash: u64) -> f64 {
    unit(hash).mul_add(2.0, -1.0)
}

/// A slow wander in [-1, 1]: a random knot every `period_s` seconds, eased between them.
pub(crate) fn wander(key: u64, at: i64, period_s: i64) -> f64 {
    let knot = at.div_euclid(period_s);
    let part = at.rem_euclid(period_s) as f64 / period_s as f64;
    let eased = part * part * 2.0_f64.mul_add(-part, 3.0);
    let [from, to] = [knot, knot + 1].map(|knot| signed(mix(&[key, knot.cast_unsigned()])));
    (to - from).mul_add(eased, from)
}

/// Rounds to a number of decimals, as an instrument reports.
pub(crate) fn round(value: f64, decimals: i32) -> f64 {
    let scale = 10_f64.powi(decimals);
    let rounded = (value * scale).round() / scale;
    if rounded == 0.0 { 0.0 } else { rounded } // no "-0"
}

/// A sequence of draws from one key.
#[derive(Clone, Debug)]
pub(crate) struct Dice {
    key: u64,
    drawn: u64,
}

impl Dice {
    pub(crate) fn new(parts: &[u64]) -> Self {
        Self { key: mix(parts), drawn: 0 }
    }

    pub(crate) fn draw(&mut self) -> u64 {
        self.drawn += 1;
        mix(&[self.key, self.drawn])
    }

    /// In [0, 1).
    pub(crate) fn unit(&mut self) -> f64 {
        unit(self.draw())
    }

    /// In [from, to).
    pub(crate) fn between(&mut self, from: i64, to: i64) -> i64 {
        let span = to.saturating_sub(from).max(1).cast_unsigned();
        from.saturating_add((self.draw() % span).cast_signed())
    }

    pub(crate) fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    pub(crate) fn pick<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        let index = usize::try_from(self.draw() % (items.len().max(1) as u64)).unwrap_or_default();
        items.get(index)
    }
}
