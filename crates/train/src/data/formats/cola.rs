//! CoLA, release 1.1 (Warstadt, Singh and Bowman 2019, arXiv:1805.12471), as raw TSV: source, label (0 unacceptable, 1
//! acceptable), the author's mark, sentence; no header, no quotes. Sentences become features by hashing their words.

use super::table::{LabelledTable, quoted};

/// One row of features per sentence.
///
/// Holds `12 n_features` bytes for each line of the file.
pub(crate) fn parse(bytes: &[u8], n_features: usize) -> Result<LabelledTable, String> {
    let (sentences, labels) = sentences(bytes)?;
    let size = sentences.len().checked_mul(n_features).filter(|&size| size > 0);
    let mut features: Vec<f32> = vec![0.; size.ok_or_else(|| format!("{n_features} features"))?];
    for (row, sentence) in features.chunks_exact_mut(n_features).zip(sentences) {
        hash_words(sentence, row);
    }
    let features = features.into_iter().map(f64::from).collect();
    let classes = vec!["unacceptable".to_owned(), "acceptable".to_owned()];
    Ok(LabelledTable {
        features,
        n_features,
        columns: Vec::new(),
        labels,
        classes,
        notes: Vec::new(),
    })
}

fn sentences(bytes: &[u8]) -> Result<(Vec<&str>, Vec<u32>), String> {
    let (mut sentences, mut labels) = (Vec::new(), Vec::new());
    for (line_idx, line) in bytes.split(|&byte| byte == b'\n').enumerate() {
        let at = |reason: String| format!("line {}: {reason}", line_idx + 1);
        let line = std::str::from_utf8(line).map_err(|_| at("not UTF-8".to_owned()))?;
        let line = line.strip_suffix('\r').unwrap_or(line);
        if line.is_empty() {
            continue;
        }
        let columns: Vec<&str> = line.split('\t').collect();
        let &[_source, label, _mark, sentence] = &columns[..] else {
            return Err(at(format!("{} columns, not 4", columns.len())));
        };
        labels.push(match label {
            "0" => 0,
            "1" => 1,
            _ => return Err(at(format!("label {}, not 0 or 1", quoted(label)))),
        });
        sentences.push(sentence);
    }
    if sentences.is_empty() { Err("no lines".to_owned()) } else { Ok((sentences, labels)) }
}

/// The signed feature map of Weinberger et al. (2009, arXiv:0902.2206, section 2): `φ_i(x) = Σ_{j: h(j) = i} ξ(j) x_j`,
/// where `x_j` counts the word `j`, scaled to length 1 unless all words cancel.
///
/// Words are runs of letters, digits and apostrophes in lower case. With `m` the mixed FNV-1a hash of the word's UTF-8,
/// `h = m mod n_features` and `ξ` is +1 where the highest bit of `m` is 0, else −1.
fn hash_words(sentence: &str, features: &mut [f32]) {
    let lower = sentence.to_lowercase();
    for word in lower.split(|c: char| !c.is_alphanumeric() && c != '\'') {
        if !word.is_empty() {
            let hash = mix(fnv1a(word.as_bytes()));
            let sign = if hash >> 63 == 0 { 1. } else { -1. };
            features[(hash % features.len() as u64) as usize] += sign;
        }
    }
    let length = features.iter().map(|value| value * value).sum::<f32>().sqrt();
    if length > 0. {
        features.iter_mut().for_each(|value| *value /= length);
    }
}

/// FNV-1a of 64 bits (Fowler, Noll, Vo).
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// The last step of SplitMix64: the high bits of FNV-1a hardly depend on the letters of a short word.
fn mix(hash: u64) -> u64 {
    let hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::data::formats::table::tests::published;

    #[test]
    fn hashes_are_those_of_the_references() {
        assert_eq!(fnv1a(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a(b"a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(fnv1a(b"foobar"), 0x8594_4171_f739_67e8);
        // The first output of SplitMix64 from the state 0.
        assert_eq!(mix(0x9e37_79b9_7f4a_7c15), 0xe220_a839_7b1d_cdaf);
    }

    #[test]
    fn words_are_counted_with_signs_and_scaled() {
        let hashed = |sentence: &str| {
            let mut features = vec![0.; 64];
            hash_words(sentence, &mut features);
            features
        };
        let one = hashed("Won't");
        assert_eq!(one, hashed("won't!"));
        assert_eq!(one.iter().filter(|value| value.abs() == 1.).count(), 1);
        assert_eq!(hashed("dog dog cat"), hashed("cat, dog; DOG."));
        let length: f32 = hashed("dog dog cat").iter().map(|value| value * value).sum();
        assert!((length - 1.).abs() < 1e-6);
        assert_eq!(hashed(" .,"), [0.; 64]);
    }

    #[test]
    fn errors_name_the_line() {
        let message = |text: &[u8]| parse(text, 8).unwrap_err();
        assert_eq!(message(b"a\t1\t\tb\na\t0\tb\n"), "line 2: 3 columns, not 4");
        assert_eq!(message(b"a\t2\t\tb\n"), "line 1: label `2`, not 0 or 1");
        assert_eq!(message(b"a\t1\t\tb\n\xff"), "line 2: not UTF-8");
        assert_eq!(message(b"\n"), "no lines");
        assert_eq!(parse(b"a\t1\t\tb\n", 0).unwrap_err(), "0 features");
    }

    /// `NOISESCOPE_TEST_DATA=… cargo test --release -p noisescope-train --lib -- --ignored published`
    #[test]
    #[ignore = "needs published data"]
    fn cola_as_published() {
        for (file, n_rows) in
            [("in_domain_train", 8551), ("in_domain_dev", 527), ("out_of_domain_dev", 516)]
        {
            let bytes = published(&format!("cola/{file}.tsv"));
            let table = parse(&bytes, 256).unwrap();
            assert_eq!((table.labels.len(), table.features.len()), (n_rows, n_rows * 256));
            if file != "in_domain_train" {
                continue;
            }
            assert_eq!(table.labels.iter().filter(|&&label| label == 0).count(), 2528);
            let (sentences, _) = sentences(&bytes).unwrap();
            let expected =
                "Our friends won't buy this analysis, let alone the next one we propose.";
            assert_eq!(sentences[0], expected);
            let words: HashSet<&str> = sentences.iter().flat_map(|text| text.split(' ')).collect();
            let negative = words.iter().filter(|word| mix(fnv1a(word.as_bytes())) >> 63 == 1);
            let share = negative.count() as f64 / words.len() as f64;
            assert!((share - 0.5).abs() < 0.02, "{share} of the words have a negative sign");
        }
    }
}
