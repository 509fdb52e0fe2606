use std::io::Write;
use std::path::Path;

/// Mutations that a run makes of its seeds; a fuzzer proper (`fuzz/`) makes as many as it is given time for.
const ROUNDS: usize = 3_000;

/// What parsers stumble over.
const PIECES: [&[u8]; 20] = [
    b"\xff",
    b"\0",
    b"[",
    b"{",
    b"\t",
    b": ",
    b"&a",
    b"*a",
    b"\"",
    b"'",
    b"(",
    b")",
    b"\n  ",
    b"\r\n",
    b"#",
    b"--",
    b"/*",
    b"\x7f\xff\xff\xff",
    b"\x80\0\0\0",
    "é\u{2028}".as_bytes(),
];

/// Changes inputs, the same way in every run.
#[derive(Debug)]
pub struct Mutations {
    state: u64,
    pieces: Vec<Vec<u8>>,
}

impl Mutations {
    /// Those of this seed, which must not be 0.
    pub fn new(seed: u64) -> Self {
        Self { state: seed, pieces: PIECES.iter().map(|piece| piece.to_vec()).collect() }
    }

    /// A number below the bound (xorshift64).
    pub fn number(&mut self, below: usize) -> usize {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        usize::try_from(self.state % (below.max(1) as u64)).unwrap()
    }

    /// The input with a few cuts, copies, flips and odd pieces.
    pub fn mutate(&mut self, input: &[u8]) -> Vec<u8> {
        let mut bytes = input.to_vec();
        for _ in 0..=self.number(5) {
            let at = self.number(bytes.len() + 1);
            match self.number(6) {
                0 => {
                    let end = (at + self.number(20)).min(bytes.len());
                    bytes.drain(at..end);
                }
                1 | 2 => {
                    let which = self.number(self.pieces.len());
                    let piece = self.pieces[which].clone();
                    bytes.splice(at..at, piece);
                }
                3 => {
                    let from = self.number(bytes.len() + 1);
                    let end = (from + self.number(60)).min(bytes.len());
                    let piece = bytes[from..end].to_vec();
                    bytes.splice(at..at, piece);
                }
                4 => bytes.truncate(at.max(bytes.len() / 2)),
                _ if at < bytes.len() => bytes[at] ^= 1 << self.number(8),
                _ => {}
            }
        }
        bytes
    }
}

/// Gives an entry point of a crate's `fuzzing` module its seeds, `fuzz/corpus/TARGET/*` and `more`, and what mutations make of
/// them. An input that makes it panic is shown.
pub fn drive(target: &str, entry: fn(&[u8]), more: &[Vec<u8>]) {
    let home = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz");
    let mut files: Vec<_> = std::fs::read_dir(home.join("corpus").join(target))
        .unwrap_or_else(|error| panic!("fuzz/corpus/{target}: {error}"))
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    let mut seeds: Vec<Vec<u8>> = files.iter().map(|file| std::fs::read(file).unwrap()).collect();
    assert!(!seeds.is_empty(), "fuzz/corpus/{target} is empty");
    seeds.extend_from_slice(more);
    let mut mutations = Mutations::new(0x9e37_79b9_7f4a_7c15);
    let words = std::fs::read_to_string(home.join("dictionaries").join(target)).unwrap_or_default();
    mutations.pieces.extend(words.lines().map(|word| word.trim_matches('"').as_bytes().to_vec()));
    let run = |input: &[u8]| {
        let shown = Shown(input);
        entry(input);
        std::mem::forget(shown);
    };
    for seed in &seeds {
        run(seed);
        for end in 0..seed.len().min(400) {
            run(&seed[..end]);
        }
    }
    for round in 0..ROUNDS {
        let mut input = mutations.mutate(&seeds[round % seeds.len()]);
        if mutations.number(4) == 0 {
            // Half of one, half of another.
            let other = &seeds[mutations.number(seeds.len())];
            let (keep, from) = (mutations.number(input.len() + 1), mutations.number(other.len() + 1));
            input.truncate(keep);
            input.extend_from_slice(&other[from..]);
        }
        run(&input);
    }
}

/// Shows the input when it is dropped, which only a panic does.
struct Shown<'a>(&'a [u8]);

impl Drop for Shown<'_> {
    fn drop(&mut self) {
        let _unseen = writeln!(std::io::stderr(), "the input was b\"{}\"", self.0.escape_ascii());
    }
}
