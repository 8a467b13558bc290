//! Texts that want to be more than text: escape sequences, controls, bidi and zero-width characters, tags, piles of marks.

use unicode_width::UnicodeWidthChar as _;

/// At least 200 of them, each different.
pub fn payloads() -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    // every control character, alone in a word
    let controls = ('\u{0}'..='\u{1f}').chain('\u{7f}'..='\u{9f}');
    all.extend(controls.map(|char| format!("ctl{char}end")));
    // everything that turns text around, hides in it, or says nothing
    let hidden = [
        '\u{ad}',
        '\u{34f}',
        '\u{61c}',
        '\u{115f}',
        '\u{1160}',
        '\u{17b4}',
        '\u{17b5}',
        '\u{180b}',
        '\u{180e}',
        '\u{200b}',
        '\u{200c}',
        '\u{200d}',
        '\u{200e}',
        '\u{200f}',
        '\u{2028}',
        '\u{2029}',
        '\u{202a}',
        '\u{202b}',
        '\u{202c}',
        '\u{202d}',
        '\u{202e}',
        '\u{2060}',
        '\u{2061}',
        '\u{2062}',
        '\u{2063}',
        '\u{2064}',
        '\u{2066}',
        '\u{2067}',
        '\u{2068}',
        '\u{2069}',
        '\u{206a}',
        '\u{206f}',
        '\u{3164}',
        '\u{fe00}',
        '\u{fe0e}',
        '\u{fe0f}',
        '\u{feff}',
        '\u{ffa0}',
        '\u{fff9}',
        '\u{fffb}',
        '\u{1bca0}',
        '\u{1d173}',
        '\u{e0001}',
        '\u{e0041}',
        '\u{e007f}',
        '\u{e0100}',
        '\u{e01ef}',
    ];
    all.extend(hidden.map(|char| format!("hid{char}den")));
    all.extend(hidden.map(|char| format!("{char}{char}first and last{char}")));
    // sequences that terminals obey, in seven and in eight bits
    for sequence in [
        "[2J",
        "[H",
        "[1;1Hgone",
        "[?1049l",
        "[?25l",
        "[31m",
        "[0;8m",
        "[6n",
        "[5n",
        "[c",
        "[>c",
        "[?1000h",
        "[?1003;1006h",
        "[?2004l",
        "[18t",
        "[21t",
        "[8;1;1t",
        "[3J",
        "[K",
        "[1;2r",
        "[9999b",
        "[?5h",
        "[!p",
        "[200~rm -rf /\u{1b}[201~",
        "c",
        "7",
        "8",
        "(0qqq",
        ")0",
        "#8",
        "=",
        ">",
        "N",
        "O",
        "D",
        "M",
        "E",
        "Z",
        "n",
        "|",
        "^pm\u{1b}\\",
        "_apc\u{1b}\\",
        "Pdcs\u{1b}\\",
        "P+q544e\u{1b}\\",
        "P$q\"p\u{1b}\\",
        "]0;title\u{7}",
        "]2;title\u{1b}\\",
        "]52;c;cm0gLXJmIC8=\u{7}",
        "]52;c;?\u{7}",
        "]8;;https://evil.example\u{7}click\u{1b}]8;;\u{7}",
        "]4;1;rgb:ff/00/00\u{7}",
        "]10;?\u{7}",
        "]11;#ffffff\u{7}",
        "]9;message\u{7}",
        "]777;notify;a;b\u{7}",
        "]1337;File=:AAAA\u{7}",
        "Ptmux;\u{1b}\u{1b}]52;c;eA==\u{7}\u{1b}\\",
        "[38;2;1;2;3m",
        "[?2026h",
        "[?69h",
        "[4i",
        "[5i",
    ] {
        all.push(format!("esc\u{1b}{sequence}end"));
    }
    for final_bytes in ["2J", "31m", "6n", "?1049l", "1;1H"] {
        all.push(format!("csi\u{9b}{final_bytes}end"));
    }
    all.extend(
        [
            "osc\u{9d}52;c;eA==\u{9c}",
            "dcs\u{90}q\u{9c}",
            "apc\u{9f}x\u{9c}",
            "half an escape\u{1b}",
            "\u{1b}\u{1b}\u{1b}",
        ]
        .map(str::to_owned),
    );
    // marks: more than a cell can carry, and without a letter to stand on
    for (mark, count) in [
        ('\u{301}', 1),
        ('\u{301}', 5),
        ('\u{301}', 40),
        ('\u{489}', 20),
        ('\u{20dd}', 3),
        ('\u{35c}', 9),
        ('\u{e31}', 6),
    ] {
        all.push(format!("e{}nd", String::from(mark).repeat(count)));
        all.push(format!("{}start", String::from(mark).repeat(count)));
    }
    // wide ones and those that are joined
    all.extend(
        [
            "温度が高い",
            "가나다",
            "👩\u{200d}🚒 fire",
            "🇩🇪🇫🇷 flags",
            "👍🏽 tone",
            "ก\u{e33} thai",
            "क\u{94d}ष\u{93f} joined",
            "ﷺ ligature",
            "م\u{64f}حم\u{651}د",
            "שלום hebrew",
            "a\u{202e}txt.exe",
            "PUMP\u{2066}-017\u{2069}",
            "ＦＵＬＬ",
            "\u{1100}\u{1161}\u{11a8}",
            "☠\u{fe0f}",
            "1\u{fe0f}\u{20e3}",
            "\u{fffe}\u{ffff}",
            "𝔘𝔫𝔦",
            "a\tb\tc",
            "line\r\nfeed\rback\nup",
            "%s%n%x",
            "=cmd|' /C calc'!A0",
            "+1+1",
            "@SUM(A1)",
            "-2+3",
            "\"quoted\",;\t",
            "<script>",
            "${jndi:x}",
            "nul\0nul",
        ]
        .map(str::to_owned),
    );
    all.push("x".repeat(20_000));
    all.push("\u{202e}".repeat(3_000));
    all.push("宽".repeat(4_000));
    assert!(all.len() >= 200, "{}", all.len());
    all
}

/// Whether a terminal must never be given this character, whatever surrounds it.
pub fn is_raw(char: char) -> bool {
    char.is_control()
        || matches!(char,
            '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e0fff}'
            | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}'
            | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}')
}

/// Checks a text that goes out: no such character, and no cell with more than four marks.
#[track_caller]
pub fn assert_tame(text: &str, why: &str) {
    let mut marks = 0;
    for char in text.chars() {
        assert!(char == '\n' || !is_raw(char), "{why}: {char:?} in {text:?}");
        marks = if char.width() == Some(0) { marks + 1 } else { 0 };
        assert!(marks <= 4, "{why}: a pile of marks in {text:?}");
    }
}
