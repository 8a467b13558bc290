//! Row 24 of the fault matrix: random keys, pastes and resizes from 0 x 0 to 500 x 200. A seed is printed when it fails, and
//! `NIGHTDESK_TEST_SEED=N cargo test row_24` plays that one again; any other number plays another night.

use std::collections::BTreeSet;

use fastrand::Rng;
use nightdesk::model::{Effect, Event, Key};

use super::desk::{Desk, fault};
use super::properties::{KEYS, intents, listing, on_screen};
use crate::payloads::payloads;
use nightdesk::model::Report;

const SEEDS: std::ops::RangeInclusive<u64> = 1..=100;
const STEPS: usize = 50;

/// Says which seed it was when the test dies of it.
struct Seed(u64, usize);

impl Drop for Seed {
    #[expect(clippy::print_stderr, reason = "the seed is for the person who reads the failure")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("row 24 failed at step {}: NIGHTDESK_TEST_SEED={} plays it again", self.1, self.0);
        }
    }
}

/// What a random step was, and what it may ask for.
enum Done {
    Key { again: bool },
    Paste,
    Other,
}

fn step(desk: &mut Desk, rng: &mut Rng, texts: &[String]) -> Done {
    match rng.u8(..100) {
        0..=54 => {
            let key = rng.choice(&KEYS).copied().unwrap();
            desk.key(key);
            Done::Key { again: key == "Z" }
        }
        55..=64 => {
            let char = rng.char(..);
            desk.send(Event::Key(Key::char(char)));
            Done::Key { again: char == 'Z' }
        }
        65..=74 => {
            // what a careless hand pastes: keys that act, confirm, quit, and hostile text
            let text = match rng.u8(..4) {
                0 => "a\nA\nx\nw\ny\ny\n\nq\n".to_owned(),
                1 => (0..rng.usize(..40)).map(|_| rng.char(' '..='~')).collect(),
                _ => rng.choice(texts).cloned().unwrap(),
            };
            desk.send(Event::Paste(text));
            Done::Paste
        }
        75..=84 => {
            let (width, height) = if rng.u8(..4) == 0 {
                (rng.u16(0..=500), rng.u16(0..=200))
            } else {
                (rng.u16(0..=130), rng.u16(0..=45))
            };
            desk.resize(width, height);
            assert_fits(desk, rng.get_seed());
            if width > 200 || height > 60 {
                desk.resize(120, 40); // a look at a wall of a screen is enough
            }
            Done::Other
        }
        85..=91 => {
            let numbers: Vec<(u8, u8)> = (0..rng.usize(..24)).map(|_| (rng.u8(..24), rng.u8(..8))).collect();
            desk.report_alerts(listing(&numbers));
            Done::Other
        }
        92..=93 => {
            desk.report(Report::Alerts {
                result: Err(fault("it does not answer")),
                cached: false,
            });
            Done::Other
        }
        94..=97 => {
            desk.commit();
            Done::Other
        }
        _ => {
            desk.wait(rng.i64(1..90));
            Done::Other
        }
    }
}

/// The frame fits: as many lines and cells as the terminal has, no cell wider than its place.
fn assert_fits(desk: &Desk, seed: u64) {
    use unicode_width::UnicodeWidthStr as _;
    let (width, height) = desk.size();
    let lines = desk.buffer_lines();
    assert_eq!(lines.len(), usize::from(height), "seed {seed}");
    for line in lines {
        let cells: usize = line.iter().map(|cell| cell.width().max(1)).sum();
        assert_eq!(cells, usize::from(width), "seed {seed}: {line:?}");
    }
}

fn play(seed: u64, texts: &[String]) {
    let mut told = Seed(seed, 0);
    let mut rng = Rng::with_seed(seed);
    let mut desk = Desk::new(120, 40);
    desk.report_alerts(listing(&[(1, 0), (2, 5), (3, 4), (4, 0), (5, 1), (6, 2)]));
    desk.draw();
    let mut allowed: BTreeSet<String> = BTreeSet::new();
    for number in 0..STEPS {
        told.1 = number;
        if let Some(ids) = on_screen(&desk) {
            allowed = ids;
        }
        desk.effects.clear();
        match step(&mut desk, &mut rng, texts) {
            Done::Paste => {
                for effect in &desk.effects {
                    assert!(
                        matches!(
                            effect,
                            Effect::SaveDraft(_) | Effect::DropDraft(_) | Effect::Fetch(_) | Effect::Title(_)
                        ),
                        "seed {seed}: a paste asked for {effect:?}"
                    );
                }
            }
            Done::Key { again: false } => {
                for intent in intents(&desk.effects) {
                    let id = intent.alert().unwrap().raw().to_owned();
                    assert!(allowed.contains(&id), "seed {seed}: {id} was not among {allowed:?} on the screen");
                }
            }
            Done::Key { again: true } => {}
            Done::Other => assert!(intents(&desk.effects).is_empty(), "seed {seed}: nobody pressed a key"),
        }
        desk.draw();
        assert_fits(&desk, seed);
    }
}

#[test]
fn row_24_random_keys_pastes_and_resizes_of_100_seeds() {
    let texts: Vec<String> = payloads().into_iter().filter(|text| text.len() < 200).collect();
    match std::env::var("NIGHTDESK_TEST_SEED").ok().map(|seed| seed.parse().unwrap()) {
        Some(seed) => play(seed, &texts),
        None => SEEDS.for_each(|seed| play(seed, &texts)),
    }
}
