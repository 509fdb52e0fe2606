//! Exact nearest neighbours: a quick pass over vectors of one byte a number finds the few that can be among the nearest,
//! and only those are measured in full. No vector is left out that belongs to the answer.

use std::collections::BinaryHeap;

use pulp::Arch;

/// Numbers that one thread looks at; fewer are not worth a second thread.
const SHARE: usize = 4 * 1024 * 1024;

/// Vectors of one length, by position.
#[derive(Debug, Clone, Default)]
pub(super) struct Vectors {
    dimension: usize,
    whole: Vec<f32>,
    coarse: Vec<i8>,
    facts: Vec<Fact>,
}

/// What is known of one vector beside its numbers.
#[derive(Debug, Clone, Copy, Default)]
struct Fact {
    /// What one step of the coarse vector stands for.
    step: f32,
    /// Length, squared.
    square: f32,
    /// Length of what the coarse vector leaves out.
    lost: f32,
    length: f32,
    coarse_length: f32,
}

/// A vector and its distance from what was asked for, squared.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Near {
    pub(super) position: usize,
    pub(super) distance: f32,
}

/// The bounds within which a squared distance lies.
#[derive(Debug, Clone, Copy)]
struct Bounds {
    position: usize,
    least: f32,
}

impl Vectors {
    /// No vectors of this length yet.
    pub(super) fn new(dimension: usize) -> Self {
        Self { dimension, ..Self::default() }
    }

    pub(super) fn dimension(&self) -> usize {
        self.dimension
    }

    pub(super) fn get(&self, position: usize) -> &[f32] {
        &self.whole[position * self.dimension..(position + 1) * self.dimension]
    }

    /// Adds a vector of the right length at the end.
    pub(super) fn push(&mut self, vector: &[f32]) {
        let (coarse, fact) = coarsen(vector);
        self.whole.extend_from_slice(vector);
        self.coarse.extend_from_slice(&coarse);
        self.facts.push(fact);
    }

    /// Replaces a vector by one of the right length.
    pub(super) fn set(&mut self, position: usize, vector: &[f32]) {
        let (coarse, fact) = coarsen(vector);
        let range = position * self.dimension..(position + 1) * self.dimension;
        self.whole[range.clone()].copy_from_slice(vector);
        self.coarse[range].copy_from_slice(&coarse);
        self.facts[position] = fact;
    }

    /// Removes a vector; the last one takes its place.
    pub(super) fn swap_remove(&mut self, position: usize) {
        let last = self.facts.len() - 1;
        let (from, to) = (last * self.dimension, position * self.dimension);
        self.whole.copy_within(from.., to);
        self.coarse.copy_within(from.., to);
        self.whole.truncate(from);
        self.coarse.truncate(from);
        self.facts.swap_remove(position);
    }

    /// The `count` nearest of those that `allowed` lets through, nearest first.
    pub(super) fn nearest(&self, query: &[f32], count: usize, allowed: Option<&[bool]>) -> Vec<Near> {
        if count == 0 || self.facts.is_empty() || self.dimension == 0 {
            return Vec::new();
        }
        let (coarse, fact) = coarsen(query);
        let wide: Vec<i16> = coarse.iter().map(|number| i16::from(*number)).collect();
        let arch = Arch::new();
        let share = (SHARE / self.dimension).max(1);
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let part = self.facts.len().div_ceil(threads).max(share);
        let starts: Vec<usize> = (0..self.facts.len()).step_by(part).collect();
        let screen = |start: usize| {
            let end = (start + part).min(self.facts.len());
            arch.dispatch(|| self.screen(&wide, &fact, count, allowed, start, end))
        };
        let parts: Vec<(Vec<Bounds>, f32)> = if starts.len() == 1 {
            vec![screen(0)]
        } else {
            std::thread::scope(|scope| {
                let screen = &screen;
                let running: Vec<_> =
                    starts.iter().map(|start| scope.spawn(move || screen(*start))).collect();
                running.into_iter().filter_map(|thread| thread.join().ok()).collect()
            })
        };
        // Nobody outside the smallest of the parts' limits can be among the nearest.
        let limit = parts.iter().map(|(_, limit)| *limit).fold(f32::INFINITY, f32::min);
        let mut nearest: Vec<Near> = arch.dispatch(|| {
            parts
                .iter()
                .flat_map(|(bounds, _)| bounds)
                .filter(|bounds| bounds.least <= limit)
                .map(|bounds| Near {
                    position: bounds.position,
                    distance: distance(self.get(bounds.position), query),
                })
                .collect()
        });
        nearest.sort_by(|left, right| {
            left.distance.total_cmp(&right.distance).then(left.position.cmp(&right.position))
        });
        nearest.truncate(count);
        nearest
    }

    /// The candidates of a part, and the distance beyond which nobody is needed.
    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "it is compiled for the processor's own instructions where it is called"
    )]
    fn screen(
        &self,
        query: &[i16],
        asked: &Fact,
        count: usize,
        allowed: Option<&[bool]>,
        start: usize,
        end: usize,
    ) -> (Vec<Bounds>, f32) {
        let mut farthest: BinaryHeap<Ordered> = BinaryHeap::with_capacity(count.min(end - start) + 1);
        let mut limit = f32::INFINITY;
        let mut found = Vec::new();
        let rows = self.coarse[start * self.dimension..end * self.dimension].chunks_exact(self.dimension);
        for (offset, (row, fact)) in rows.zip(&self.facts[start..end]).enumerate() {
            let position = start + offset;
            if allowed.is_some_and(|allowed| !allowed[position]) {
                continue;
            }
            #[expect(clippy::cast_precision_loss, reason = "the rounding is part of `slack`")]
            let product = product(row, query) as f32 * fact.step * asked.step;
            let middle = asked.square + fact.square - 2.0 * product;
            let lost = asked.lost * fact.length + asked.coarse_length * fact.lost;
            let slack = 2.0 * lost + 1e-5 * (asked.square + fact.square) + f32::MIN_POSITIVE;
            let least = middle - slack;
            if least > limit {
                continue;
            }
            found.push(Bounds { position, least });
            farthest.push(Ordered(middle + slack));
            if farthest.len() > count {
                farthest.pop();
            }
            if farthest.len() == count {
                limit = farthest.peek().map_or(f32::INFINITY, |most| most.0);
            }
        }
        found.retain(|bounds| bounds.least <= limit);
        (found, limit)
    }
}

#[derive(PartialEq)]
struct Ordered(f32);

impl Eq for Ordered {}

impl PartialOrd for Ordered {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Ordered {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

/// The vector in steps of one byte, and what is to be known of it.
fn coarsen(vector: &[f32]) -> (Vec<i8>, Fact) {
    let largest = vector.iter().fold(0.0_f32, |largest, number| largest.max(number.abs()));
    let step = if largest > 0.0 { largest / 127.0 } else { 1.0 };
    #[expect(clippy::cast_possible_truncation, reason = "the quotient lies between -127 and 127")]
    let coarse: Vec<i8> = vector.iter().map(|number| (number / step).round() as i8).collect();
    let (mut square, mut lost, mut kept) = (0.0_f32, 0.0_f32, 0.0_f32);
    for (number, coarse) in vector.iter().zip(&coarse) {
        let near = f32::from(*coarse) * step;
        square += number * number;
        lost += (number - near) * (number - near);
        kept += near * near;
    }
    (
        coarse,
        Fact { step, square, lost: lost.sqrt() * 1.0001, length: square.sqrt(), coarse_length: kept.sqrt() },
    )
}

#[inline(always)]
#[expect(clippy::inline_always, reason = "see `screen`")]
fn product(row: &[i8], query: &[i16]) -> i32 {
    row.iter().zip(query).map(|(left, right)| i32::from(*left) * i32::from(*right)).sum()
}

#[inline(always)]
#[expect(clippy::inline_always, reason = "see `screen`")]
fn distance(left: &[f32], right: &[f32]) -> f32 {
    let (left, right) = (left.chunks(16), right.chunks(16));
    let mut sums = [0.0_f32; 16];
    for (left, right) in left.zip(right) {
        for ((sum, left), right) in sums.iter_mut().zip(left).zip(right) {
            *sum += (left - right) * (left - right);
        }
    }
    sums.iter().sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers that look random and are the same in every run.
    fn numbers(seed: u64, count: usize) -> Vec<f32> {
        let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        let mut next = move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            #[expect(clippy::cast_precision_loss, reason = "24 bits fit")]
            let number = (state >> 40) as f32 / 16_777_216.0 - 0.5;
            number
        };
        (0..count).map(|_| next()).collect()
    }

    fn plain(vectors: &[Vec<f32>], query: &[f32], count: usize, allowed: &[bool]) -> Vec<usize> {
        let mut all: Vec<(usize, f32)> = vectors
            .iter()
            .enumerate()
            .filter(|(position, _)| allowed[*position])
            .map(|(position, vector)| (position, distance(vector, query)))
            .collect();
        all.sort_by(|left, right| left.1.total_cmp(&right.1).then(left.0.cmp(&right.0)));
        all.into_iter().take(count).map(|(position, _)| position).collect()
    }

    #[test]
    fn the_answer_is_that_of_measuring_all() {
        let mut all: Vec<Vec<f32>> = (0..600).map(|row| numbers(row + 1, 33)).collect();
        let mut vectors = Vectors::new(33);
        for vector in &all {
            vectors.push(vector);
        }
        vectors.set(7, &numbers(9000, 33));
        all[7] = numbers(9000, 33);
        vectors.swap_remove(3);
        all.swap_remove(3);
        let allowed: Vec<bool> = (0..all.len()).map(|position| position % 3 != 1).collect();
        for seed in 0..20 {
            let query = numbers(seed + 5000, 33);
            for count in [1, 10, 1000] {
                let found = vectors.nearest(&query, count, Some(&allowed));
                let positions: Vec<usize> = found.iter().map(|near| near.position).collect();
                assert_eq!(positions, plain(&all, &query, count, &allowed));
            }
        }
    }

    #[test]
    fn vectors_of_any_size_are_measured() {
        let mut vectors = Vectors::new(2);
        for vector in [[0.0, 0.0], [1e20, 0.0], [1e-30, 0.0]] {
            vectors.push(&vector);
        }
        let found = vectors.nearest(&[0.0, 0.0], 2, None);
        assert_eq!(found.iter().map(|near| near.position).collect::<Vec<_>>(), [0, 2]);
        assert!(vectors.nearest(&[0.0, 0.0], 0, None).is_empty());
    }
}
