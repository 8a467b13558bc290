//! Excerpts of bodies without the secrets that they name. An excerpt may be cut anywhere, so this reads text, not JSON.

/// Parts of a member's name that say that its value is a secret.
const SAYS: [&str; 4] = ["token", "secret", "password", "key"];
/// What stands in place of such a value.
const BLOT: &str = "[redacted]";
/// What JSON, people and escaped JSON put around names and values.
const QUOTES: [char; 2] = ['"', '\''];

/// The text with the value of each member blotted out whose name says that it is a secret: `"authToken":"..."` and `token=...`.
/// A value without its end is blotted out to the end of the text, and so is a list or an object.
pub(super) fn redacted(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find([':', '=']) {
        let (head, tail) = rest.split_at_checked(at).unwrap_or((rest, ""));
        let secret = {
            out.push_str(head);
            name_before(&out, tail.starts_with('=')).is_some_and(|name| is_secret(&name))
        };
        let (separator, after) = tail.split_at_checked(1).unwrap_or((tail, ""));
        out.push_str(separator);
        rest = if secret { blotted(after, &mut out) } else { after };
    }
    out.push_str(rest);
    out
}

fn is_secret(name: &str) -> bool {
    let name = name.to_lowercase();
    SAYS.iter().any(|part| name.contains(part))
}

/// The name that stands at the end of this text. Before a colon only a quoted one is a member's: the rest is prose.
fn name_before(text: &str, bare: bool) -> Option<String> {
    let text = text.trim_end();
    if let Some(quote) = text.chars().next_back().filter(|char| QUOTES.contains(char)) {
        let inner = text.strip_suffix(quote)?.trim_end_matches('\\');
        let name = inner.rsplit(quote).next().unwrap_or(inner);
        // a name may be spelled with escapes
        return Some(serde_json::from_str(&format!("\"{name}\"")).unwrap_or_else(|_| name.to_owned()));
    }
    let name = text.rsplit(|char: char| !(char.is_alphanumeric() || "_-.".contains(char))).next()?;
    bare.then(|| name.to_owned())
}

/// Copies what stands before the value, and a blot for it; answers what follows.
fn blotted<'a>(text: &'a str, out: &mut String) -> &'a str {
    let value = text.trim_start();
    let slashes = value.chars().take_while(|char| *char == '\\').count();
    let opened = value.trim_start_matches('\\');
    let Some(quote) = opened.chars().next().filter(|char| QUOTES.contains(char)) else {
        if value.is_empty() {
            return "";
        }
        out.push_str(BLOT);
        if value.starts_with(['{', '[']) {
            return "";
        }
        let end = value.find(|char: char| char.is_whitespace() || ",}]&;<\"'".contains(char));
        return end.and_then(|end| value.get(end..)).unwrap_or("");
    };
    out.push(quote);
    out.push_str(BLOT);
    let mut before = 0;
    for (at, char) in opened.char_indices().skip(1) {
        // within escaped JSON a quote ends the value that is escaped as often as the one that began it
        if char == quote && (before == slashes || slashes == 0 && before % 2 == 0) {
            return opened.get(at..).unwrap_or("");
        }
        before = if char == '\\' { before + 1 } else { 0 };
    }
    ""
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_a_name_says_is_a_secret_is_not_quoted() {
        for (text, want) in [
            (
                r#"{"authToken":"S3CRET","deviceId":"P"}"#,
                r#"{"authToken":"[redacted]","deviceId":"P"}"#,
            ),
            (r#"{"authToken":"S3CR"#, r#"{"authToken":"[redacted]"#),
            (r#"{"authToken" : "a\"S3CRET" }"#, r#"{"authToken" :"[redacted]" }"#),
            (r#"{"auth\u0054oken":"S3CRET"}"#, r#"{"auth\u0054oken":"[redacted]"}"#),
            (r#"{"client_secret":12345,"a":1}"#, r#"{"client_secret":[redacted],"a":1}"#),
            (r#"{"tokens":["S3CRET"],"a":1}"#, r#"{"tokens":[redacted]"#),
            (r#"{\"apiKey\":\"S3CRET\",\"a\":\"b\"}"#, r#"{\"apiKey\":"[redacted]",\"a\":\"b\"}"#),
            ("{'Password': 'S3CRET'}", "{'Password':'[redacted]'}"),
            ("at https://x/?access_token=S3CRET&a=b", "at https://x/?access_token=[redacted]&a=b"),
            ("the key: it lacks a right", "the key: it lacks a right"),
            (r#"{"alertId":"A:1","message":"x=y"}"#, r#"{"alertId":"A:1","message":"x=y"}"#),
            (r#"{"token":"#, r#"{"token":"#),
        ] {
            let got = redacted(text);
            assert_eq!(got, want);
            assert!(!got.contains("S3CR") && !got.contains("12345"), "{got}");
        }
    }

    proptest! {
        #[test]
        fn a_token_cut_anywhere_is_never_quoted(cut in 0_usize..80, before in "[a-z ]{0,20}", space in "[ \n]{0,3}") {
            let whole = format!("{{\"name\":\"{before}\",\"authToken\":{space}\"SSSSSSSSSSSSSSSS\",\"deviceId\":\"d\"}}");
            let cut: String = whole.chars().take(cut).collect();
            let got = redacted(&cut);
            prop_assert!(!got.contains('S'), "{}", got);
        }

        #[test]
        fn any_text_is_taken(text in "(\\PC|[\"':=\\\\{\\[]){0,60}") {
            redacted(&text);
        }
    }
}
