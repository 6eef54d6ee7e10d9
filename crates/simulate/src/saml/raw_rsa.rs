//! RSASSA-PKCS1-v1_5 by hand, for the signatures that aws-lc-rs rightly refuses to make: with SHA-1,
//! and with keys of 1024 bits. Nothing here is constant in time; it only ever signs forgeries.

use super::der::children;

/// An RSA private key as numbers of 64-bit limbs, the lowest first.
pub(crate) struct RawRsa {
    modulus: Vec<u64>,
    private: Vec<u8>,
    public: Vec<u8>,
}

impl RawRsa {
    /// Reads PKCS#8 (RFC 5958) around an RSAPrivateKey (RFC 8017 A.1.2).
    pub(crate) fn read(pkcs8: &[u8]) -> Option<RawRsa> {
        let (_, outer) = *children(pkcs8).first()?;
        let (_, octets) = *children(outer).get(2)?;
        let (_, key) = *children(octets).first()?;
        let numbers = children(key);
        let number = |at: usize| numbers.get(at).map(|(_, bytes)| *bytes);
        Some(RawRsa { modulus: limbs(number(1)?), public: number(2)?.to_vec(), private: number(3)?.to_vec() })
    }

    /// The modulus, big-endian.
    pub(crate) fn modulus(&self) -> Vec<u8> {
        bytes(&self.modulus)
    }

    /// The public exponent, big-endian.
    pub(crate) fn public_exponent(&self) -> &[u8] {
        &self.public
    }

    /// Signs a DigestInfo (RFC 8017 §9.2).
    pub(crate) fn sign(&self, digest_info: &[u8]) -> Vec<u8> {
        let length = self.modulus.len() * 8;
        let mut encoded = vec![0x00, 0x01];
        encoded.resize(length.saturating_sub(digest_info.len() + 1), 0xff);
        encoded.push(0x00);
        encoded.extend_from_slice(digest_info);
        bytes(&self.power(&limbs(&encoded), &self.private))
    }

    /// `base` to the `exponent` modulo the modulus, by Montgomery's multiplication.
    fn power(&self, base: &[u64], exponent: &[u8]) -> Vec<u64> {
        let square = self.montgomery_square();
        let mut one = vec![0_u64; self.modulus.len()];
        if let Some(lowest) = one.first_mut() {
            *lowest = 1;
        }
        let base = self.multiply(base, &square);
        let mut result = self.multiply(&one, &square);
        for bit in exponent.iter().flat_map(|byte| (0..8).rev().map(move |at| (byte >> at) & 1)) {
            result = self.multiply(&result, &result);
            if bit == 1 {
                result = self.multiply(&result, &base);
            }
        }
        self.multiply(&result, &one)
    }

    /// R² modulo the modulus, R being one above the highest limb: one doubled twice as often as R has bits.
    fn montgomery_square(&self) -> Vec<u64> {
        let mut value = vec![0_u64; self.modulus.len()];
        if let Some(lowest) = value.first_mut() {
            *lowest = 1;
        }
        for _ in 0..self.modulus.len() * 128 {
            let mut carry = false;
            for limb in &mut value {
                (*limb, carry) = limb.carrying_add(*limb, carry);
            }
            self.reduce_once(&mut value, carry);
        }
        value
    }

    /// `left` · `right` / R modulo the modulus.
    fn multiply(&self, left: &[u64], right: &[u64]) -> Vec<u64> {
        let inverse = negative_inverse(self.modulus.first().copied().unwrap_or(1));
        let mut sum = vec![0_u64; self.modulus.len()];
        let mut top = 0_u64;
        for &limb in left {
            let carry = add_product(&mut sum, limb, right);
            let (high, over) = top.overflowing_add(carry);
            let factor = sum.first().copied().unwrap_or_default().wrapping_mul(inverse);
            let carry = add_product(&mut sum, factor, &self.modulus);
            let (high, over_again) = high.overflowing_add(carry);
            // The lowest limb is zero now and leaves; everything moves down by one.
            sum.rotate_left(1);
            if let Some(last) = sum.last_mut() {
                *last = high;
            }
            top = u64::from(over) + u64::from(over_again);
        }
        self.reduce_once(&mut sum, top != 0);
        sum
    }

    /// Takes the modulus away once, if `value` with `carry` above it is not smaller.
    fn reduce_once(&self, value: &mut [u64], carry: bool) {
        let below = value.iter().rev().lt(self.modulus.iter().rev());
        if below && !carry {
            return;
        }
        let mut borrow = false;
        for (limb, other) in value.iter_mut().zip(&self.modulus) {
            (*limb, borrow) = limb.borrowing_sub(*other, borrow);
        }
    }
}

/// Adds `factor` · `number` to `sum`; what goes over the top is returned.
fn add_product(sum: &mut [u64], factor: u64, number: &[u64]) -> u64 {
    let mut carry = 0;
    for (limb, &other) in sum.iter_mut().zip(number) {
        (*limb, carry) = factor.carrying_mul_add(other, carry, *limb);
    }
    carry
}

/// −1 / `odd` modulo 2⁶⁴, by Newton's iteration.
fn negative_inverse(odd: u64) -> u64 {
    let mut inverse = 1_u64;
    for _ in 0..6 {
        inverse = inverse.wrapping_mul(2_u64.wrapping_sub(odd.wrapping_mul(inverse)));
    }
    inverse.wrapping_neg()
}

fn limbs(big_endian: &[u8]) -> Vec<u64> {
    let significant: Vec<u8> = big_endian.iter().copied().skip_while(|byte| *byte == 0).collect();
    significant.rchunks(8).map(|chunk| chunk.iter().fold(0_u64, |sum, byte| (sum << 8) | u64::from(*byte))).collect()
}

fn bytes(limbs: &[u64]) -> Vec<u8> {
    limbs.iter().rev().flat_map(|limb| limb.to_be_bytes()).collect()
}
