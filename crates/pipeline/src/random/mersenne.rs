//! The Mersenne Twister MT19937 of Matsumoto and Nishimura (1998), seeded as `at::mt19937` seeds it.

const N: usize = 624;
const M: usize = 397;

/// MT19937 with 32-bit output.
#[derive(Clone)]
pub(super) struct Mersenne {
    state: [u32; N],
    next: usize,
}

impl Mersenne {
    /// Knuth's initialisation from 32 bits. PyTorch keeps a 64-bit seed but mixes in only its low half.
    pub(super) fn new(seed: u64) -> Self {
        let mut state = [0u32; N];
        let mut word = seed as u32;
        state[0] = word;
        for (slot, j) in state.iter_mut().skip(1).zip(1u32..) {
            word = (word ^ (word >> 30)).wrapping_mul(1_812_433_253).wrapping_add(j);
            *slot = word;
        }
        Mersenne { state, next: N }
    }

    fn refill(&mut self) {
        for i in 0..N {
            let mixed = (self.state[i] & 0x8000_0000) | (self.state[(i + 1) % N] & 0x7fff_ffff);
            let twisted = (mixed >> 1) ^ if mixed & 1 == 1 { 0x9908_b0df } else { 0 };
            self.state[i] = self.state[(i + M) % N] ^ twisted;
        }
        self.next = 0;
    }

    /// The next 32 tempered bits.
    pub(super) fn next_u32(&mut self) -> u32 {
        if self.next >= N {
            self.refill();
        }
        let mut y = self.state[self.next];
        self.next += 1;
        y ^= y >> 11;
        y ^= (y << 7) & 0x9d2c_5680;
        y ^= (y << 15) & 0xefc6_0000;
        y ^ (y >> 18)
    }

    /// 64 bits: the first draw is the high half.
    pub(super) fn next_u64(&mut self) -> u64 {
        let high = u64::from(self.next_u32());
        high << 32 | u64::from(self.next_u32())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_sequence() {
        // The C++ standard (rand.predef) fixes the 10000th output from the default seed 5489.
        let mut engine = Mersenne::new(5489);
        let last = (0..10_000).map(|_| engine.next_u32()).last();
        assert_eq!(last, Some(4_123_659_995));
    }

    #[test]
    fn only_the_low_half_of_a_seed_counts() {
        let mut low = Mersenne::new(7);
        let mut high = Mersenne::new(7 | 5 << 32);
        assert!((0..2000).all(|_| low.next_u32() == high.next_u32()));
    }
}
