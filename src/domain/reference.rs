//! The name under which a work order is asked for, so that two consoles or two bridges mean one order.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{AlertId, WorkOrder};

/// Orders of one alert that are told apart when the next one is counted.
const COUNTED: u32 = 20;
/// Orders of one alert that are looked for where those of many alerts are read.
const LOOKED_FOR: u32 = 3;

/// The name under which a work order is asked for: the same for the same (site, alert, generation) on any
/// console or bridge, so that two of them mean one order. `generation` is 0 for the first and grows only by a
/// deliberate second order.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Reference {
    digest_hex: String,
}

impl Reference {
    /// Hashes the three parts, each preceded by its length so that no two triples run together.
    pub fn of(site: &str, alert: &AlertId, generation: u32) -> Self {
        let mut hash = Sha256::new();
        for part in [site.as_bytes(), alert.raw().as_bytes(), &generation.to_be_bytes()] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        Self {
            digest_hex: hex(&hash.finalize()),
        }
    }

    /// Those under which the orders of an alert are looked for before a further one is made, by generation.
    pub fn counted(site: &str, alert: &AlertId) -> Vec<Self> {
        (0..COUNTED).map(|generation| Self::of(site, alert, generation)).collect()
    }

    /// The first generation past those of an alert's orders among these.
    pub fn free<'a>(site: &str, alert: &AlertId, orders: impl IntoIterator<Item = &'a WorkOrder>) -> u32 {
        let known: Vec<String> = Self::counted(site, alert).iter().map(Self::short).collect();
        orders
            .into_iter()
            .filter_map(|order| {
                let id = order.externalrefid.as_ref()?.raw();
                known.iter().position(|short| short == id)
            })
            .filter_map(|place| u32::try_from(place + 1).ok())
            .max()
            .unwrap_or(0)
    }

    /// For `externalrefid`: ten characters of Crockford base32, 50 bits of the hash.
    pub fn short(&self) -> String {
        const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
        let bits = u64::from_str_radix(self.digest_hex.get(..16).unwrap_or_default(), 16).unwrap_or_default();
        (0..10)
            .map(|index| char::from(ALPHABET.get(((bits >> (59 - 5 * index)) & 31) as usize).copied().unwrap_or(b'0')))
            .collect()
    }

    /// For the `transactionid` header: the same on every try.
    pub fn transaction_id(&self) -> String {
        format!("nightdesk-{}", self.digest_hex.get(..32).unwrap_or_default())
    }

    /// The whole hash in hexadecimal, which also stands at the end of the long description.
    pub fn whole(&self) -> &str {
        &self.digest_hex
    }
}

/// The references under which the orders of many alerts are asked for, and whose they are.
#[derive(Debug, Default)]
pub struct References {
    asked: Vec<Reference>,
    owners: HashMap<String, AlertId>,
}

impl References {
    /// Of these alerts at a site: each one's first order and the first few deliberate further ones.
    pub fn of<'a>(site: &str, alerts: impl IntoIterator<Item = &'a AlertId>) -> Self {
        let mut references = Self::default();
        for alert in alerts {
            for generation in 0..LOOKED_FOR {
                let reference = Reference::of(site, alert, generation);
                references.owners.insert(reference.short(), alert.clone());
                references.asked.push(reference);
            }
        }
        references
    }

    /// What to ask for.
    pub fn asked(&self) -> &[Reference] {
        &self.asked
    }

    /// The alert for which an order was made.
    pub fn owner(&self, order: &WorkOrder) -> Option<&AlertId> {
        self.owners.get(order.externalrefid.as_ref()?.raw())
    }
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
        let _ = write!(out, "{byte:02x}"); // writing to a String cannot fail
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_is_the_same_everywhere_and_ten_crockford_characters() {
        let one = Reference::of("BEDFORD", &AlertId::new("alert-1"), 0);
        assert_eq!(one, Reference::of("BEDFORD", &AlertId::new("alert-1"), 0));
        assert_ne!(one, Reference::of("BEDFORD", &AlertId::new("alert-1"), 1));
        assert_ne!(
            Reference::of("AB", &AlertId::new("C"), 0),
            Reference::of("A", &AlertId::new("BC"), 0)
        );
        assert_eq!(one.short().len(), 10);
        assert!(one.short().chars().all(|char| "0123456789ABCDEFGHJKMNPQRSTVWXYZ".contains(char)));
    }

    #[test]
    fn an_order_is_its_alerts_and_the_next_one_comes_after_it() {
        let (site, one, two) = ("BEDFORD", AlertId::new("one"), AlertId::new("two"));
        let order = |reference: Option<String>| WorkOrder {
            wonum: "1".into(),
            siteid: None,
            status: "WAPPR".into(),
            status_maxvalue: None,
            description: crate::domain::SafeText::default(),
            assetnum: None,
            wopriority: None,
            lead: None,
            externalrefid: reference.map(Into::into),
            reportdate: None,
        };
        let further = order(Some(Reference::of(site, &two, 1).short()));
        let references = References::of(site, [&one, &two]);
        assert_eq!(references.asked().len(), 6);
        assert_eq!(references.owner(&further), Some(&two));
        assert_eq!(references.owner(&order(Some("OTHER".into()))), None);
        assert_eq!(references.owner(&order(None)), None);
        assert_eq!(Reference::free(site, &two, [&further, &order(None)]), 2);
        assert_eq!(Reference::free(site, &one, [&further]), 0);
    }
}
