//! Tables of the UCI repository: comma-separated numbers, the class in the last column, no header.

/// Features `[n_rows × n_features]` in row-major order, and labels.
pub(super) fn parse(text: &str, classes: &[String]) -> Result<(Vec<f32>, Vec<u32>), String> {
    let (mut features, mut labels) = (Vec::new(), Vec::new());
    let mut n_features = None;
    for (line_idx, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let at = |reason: String| format!("line {}: {reason}", line_idx + 1);
        let mut cells: Vec<&str> = line.split(',').map(str::trim).collect();
        let class = cells.pop().unwrap_or_default();
        let label = classes.iter().position(|name| name == class);
        let label = label.ok_or_else(|| at(format!("unknown class `{class}`")))?;
        let expected = *n_features.get_or_insert(cells.len());
        if cells.len() != expected {
            return Err(at(format!("{} features, {expected} in the lines above", cells.len())));
        }
        for cell in cells {
            let value: f32 = cell.parse().map_err(|_| at(format!("`{cell}` is not a number")))?;
            features.push(value);
        }
        labels.push(label as u32);
    }
    Ok((features, labels))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> Result<(Vec<f32>, Vec<u32>), String> {
        parse(text, &["b".to_owned(), "g".to_owned()])
    }

    #[test]
    fn reads_features_and_labels() {
        let expected = (vec![1., -0.5, 2., 0.25], vec![1, 0]);
        assert_eq!(check("1,-0.5,g\r\n2,0.25,b\n\n").unwrap(), expected);
    }

    #[test]
    fn errors_name_the_line() {
        assert_eq!(check("1,2,g\n1,b\n").unwrap_err(), "line 2: 1 features, 2 in the lines above");
        assert_eq!(check("1,x,g\n").unwrap_err(), "line 1: `x` is not a number");
        assert_eq!(check("1,2,h\n").unwrap_err(), "line 1: unknown class `h`");
    }
}
