//! Names as file names.

/// A name in lower-case letters and digits, everything else one hyphen: `Bearing temp. high (DE)` is
/// `bearing-temp-high-de`.
pub fn slug(name: &str) -> String {
    let mut out = String::new();
    for char in name.chars().flat_map(char::to_lowercase) {
        if char.is_alphanumeric() {
            out.push(char);
        } else if !out.is_empty() && !out.ends_with('-') {
            out.push('-');
        }
    }
    out.trim_end_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::slug;

    #[test]
    fn names_become_plain() {
        for (name, wanted) in [
            ("Bearing temperature high", "bearing-temperature-high"),
            ("Bearing temp. high (DE)", "bearing-temp-high-de"),
            ("../../etc/passwd", "etc-passwd"),
            ("  ÜBERDRUCK  ", "überdruck"),
            ("***", ""),
        ] {
            assert_eq!(slug(name), wanted);
        }
    }
}
