#![no_main]

use nightdesk::domain::SafeText;

/// C0, C1, DEL, line and paragraph separators, bidi, zero-width, invisible fillers and tags.
fn hostile(char: char) -> bool {
    char.is_control()
        || matches!(char,
            '\u{ad}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e0fff}')
}

fn check(shown: &str) {
    assert!(!shown.chars().any(hostile), "{shown:?}");
    assert!(shown.len() <= 8 * 1024 + 8);
}

libfuzzer_sys::fuzz_target!(|raw: &str| {
    let text = SafeText::new(raw);
    assert_eq!(text.raw(), raw);
    check(text.shown());
    assert_eq!(SafeText::new(text.shown()).shown(), text.shown(), "what is safe stays as it is");
    text.shown_lines().for_each(|line| check(&line));
    check(&format!("{text}"));
    // the same past the limit of a field
    let long = SafeText::new(raw.repeat(8 * 1024 / raw.len().max(1) + 2));
    check(long.shown());
    assert_eq!(SafeText::new(long.shown()).shown(), long.shown());
});
