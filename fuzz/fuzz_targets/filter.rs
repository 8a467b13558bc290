#![no_main]

use nightdesk::domain::filter::{Filter, Vocabulary, complete};

libfuzzer_sys::fuzz_target!(|text: &str| {
    let length = text.chars().count();
    match Filter::parse(text) {
        Ok(filter) => {
            let again = Filter::parse(filter.text()).expect("what was read is read again");
            assert_eq!(again.text(), filter.text());
        }
        Err(error) => {
            assert!(error.at <= length, "the mark stands past the end: {error:?}");
            assert!(!error.message.is_empty());
        }
    }
    // the plant's words are as hostile as the text
    let words: Vec<String> = text.split(':').map(str::to_owned).take(8).collect();
    let vocabulary = Vocabulary {
        devices: words.clone(),
        locations: words.clone(),
        people: words,
        ..Vocabulary::default()
    };
    for cursor in [0, length / 2, length] {
        for completion in complete(text, cursor, &vocabulary) {
            assert!(completion.from <= cursor, "{completion:?}");
            if ["dev", "loc", "by"].contains(&completion.about.as_str()) && !completion.text.is_empty() {
                let term = format!("{}:{}", completion.about, completion.text);
                Filter::parse(&term).unwrap_or_else(|error| panic!("`{term}` was offered: {error}"));
            }
        }
    }
});
