//! Full-text search: how well texts fit words (BM25), and how two orders become one (reciprocal rank fusion).

use std::collections::HashMap;

/// How much the number of a word's uses in a text counts (BM25's `k1`), and how much the text's length (`b`).
const USES: f64 = 1.2;
const LENGTH: f64 = 0.75;

/// Ranks below this count for little (reciprocal rank fusion's constant, as on the platform).
const RANK: f64 = 60.0;

/// The words of texts, by position.
#[derive(Debug, Default)]
pub(super) struct Words {
    uses: HashMap<String, Vec<(usize, u32)>>,
    lengths: Vec<u32>,
    total: f64,
}

impl Words {
    /// Reads texts in the order of their positions.
    pub(super) fn of<'a>(texts: impl Iterator<Item = Vec<&'a str>>) -> Self {
        let mut words = Self::default();
        for (position, parts) in texts.enumerate() {
            let mut counts: HashMap<String, u32> = HashMap::new();
            let mut length = 0;
            for word in parts.into_iter().flat_map(split) {
                *counts.entry(word).or_default() += 1;
                length += 1;
            }
            for (word, count) in counts {
                words.uses.entry(word).or_default().push((position, count));
            }
            words.lengths.push(length);
            words.total += f64::from(length);
        }
        words
    }

    /// Positions that hold one of the words of `query`, best first, with their scores.
    pub(super) fn find(&self, query: &str, count: usize, allowed: Option<&[bool]>) -> Vec<(usize, f64)> {
        #[expect(clippy::cast_precision_loss, reason = "there are fewer texts than 2^52")]
        let texts = self.lengths.len() as f64;
        let mean = (self.total / texts.max(1.0)).max(1.0);
        let mut scores: HashMap<usize, f64> = HashMap::new();
        let mut asked: Vec<String> = split(query).collect();
        asked.sort_unstable();
        asked.dedup();
        for uses in asked.iter().filter_map(|word| self.uses.get(word)) {
            #[expect(clippy::cast_precision_loss, reason = "there are fewer texts than 2^52")]
            let holders = uses.len() as f64;
            let rarity = (1.0 + (texts - holders + 0.5) / (holders + 0.5)).ln();
            for (position, count) in uses {
                if allowed.is_some_and(|allowed| !allowed[*position]) {
                    continue;
                }
                let count = f64::from(*count);
                let length = f64::from(self.lengths[*position]) / mean;
                let weight = count * (USES + 1.0) / (count + USES * (1.0 - LENGTH + LENGTH * length));
                *scores.entry(*position).or_default() += rarity * weight;
            }
        }
        best(scores, count)
    }
}

/// One order out of two: what stands high in either stands high; the score of what is first in both is 1.
pub(super) fn fuse(orders: [Vec<usize>; 2], count: usize) -> Vec<(usize, f64)> {
    let mut scores: HashMap<usize, f64> = HashMap::new();
    for order in orders {
        for (rank, position) in order.into_iter().enumerate() {
            #[expect(clippy::cast_precision_loss, reason = "a rank is small")]
            let rank = rank as f64 + 1.0;
            *scores.entry(position).or_default() += (RANK + 1.0) / (RANK + rank) / 2.0;
        }
    }
    best(scores, count)
}

fn best(scores: HashMap<usize, f64>, count: usize) -> Vec<(usize, f64)> {
    let mut scores: Vec<(usize, f64)> = scores.into_iter().collect();
    scores.sort_by(|left, right| right.1.total_cmp(&left.1).then(left.0.cmp(&right.0)));
    scores.truncate(count);
    scores
}

fn split(text: &str) -> impl Iterator<Item = String> {
    text.split(|letter: char| !letter.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rare_words_and_short_texts_win() {
        let texts = ["the red apple", "the the the", "an apple and the rest of a long story", "nothing"];
        let words = Words::of(texts.iter().map(|text| vec![*text]));
        let found: Vec<usize> = words.find("The APPLE!", 10, None).into_iter().map(|(at, _)| at).collect();
        assert_eq!(found, [0, 2, 1]);
        assert_eq!(words.find("apple", 10, Some(&[false, true, true, true]))[0].0, 2);
        assert!(words.find("zebra", 10, None).is_empty());
    }

    #[test]
    fn first_in_both_orders_scores_one() {
        let fused = fuse([vec![3, 1], vec![3, 2]], 2);
        assert_eq!(fused[0], (3, 1.0));
        assert!(fused[1].1 < 0.5 && fused.len() == 2);
    }
}
