//! The Merkle tree hash of RFC 6962 section 2.1, so that one record can be proved without showing its neighbours.

use citywarden_model::{Digest, Hasher};

/// The hash of one entry: SHA-256(0x00 ‖ entry).
pub(crate) fn leaf(entry: &[u8]) -> Digest {
    let mut hasher = Hasher::new();
    hasher.update(&[0]);
    hasher.update(entry);
    hasher.finish()
}

/// The root over the leaves, which it uses up; of none: SHA-256 of nothing.
pub(crate) fn root(leaves: &mut Vec<Digest>) -> Digest {
    // Pairing level by level and carrying an odd one up unhashed is the same tree as the RFC's recursive split at
    // the largest power of two.
    while leaves.len() > 1 {
        let mut pairs = 0;
        while let Some(&[left, ref right @ ..]) = leaves.get(pairs * 2..(pairs * 2 + 2).min(leaves.len())) {
            let parent = right.first().map_or(left, |right| node(&left, right));
            if let Some(place) = leaves.get_mut(pairs) {
                *place = parent;
            }
            pairs += 1;
        }
        leaves.truncate(pairs);
    }
    leaves.pop().unwrap_or_else(|| Digest::of(&[]))
}

fn node(left: &Digest, right: &Digest) -> Digest {
    let mut hasher = Hasher::new();
    hasher.update(&[1]);
    hasher.update(left.as_bytes());
    hasher.update(right.as_bytes());
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ct_merkle::mem_backed_tree::MemoryBackedTree;

    #[test]
    fn the_root_is_that_of_an_independent_implementation_for_every_count_up_to_130() {
        let mut oracle = MemoryBackedTree::<sha2::Sha256, Vec<u8>>::new();
        let mut entries: Vec<Vec<u8>> = Vec::new();
        for count in 0..=130_u8 {
            let mut leaves = entries.iter().map(|entry| leaf(entry)).collect();
            assert_eq!(
                root(&mut leaves).as_bytes().as_slice(),
                oracle.root().as_bytes().as_slice(),
                "{count}"
            );
            let entry = vec![count; usize::from(count) * 3];
            oracle.push(entry.clone());
            entries.push(entry);
        }
    }
}
