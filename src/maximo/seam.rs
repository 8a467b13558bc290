//! Where two pages of a time series meet.

use crate::domain::Reading;

/// The rows of `page` (oldest first, asked for from the last known time on) that are not known yet.
///
/// Several rows may share a time, and the server may give them in another order the second time: they are matched by what they
/// hold, each known row with one that came. A row of an aggregation stands for its whole interval, whose value may go on changing
/// while it is read: there the time alone is the identity.
pub(super) fn fresh(known: &[Reading], mut page: Vec<Reading>, aggregated: bool) -> Vec<Reading> {
    let Some(last) = known.last().map(|row| row.timestamp) else {
        return page;
    };
    let mut again: Vec<&Reading> = known.iter().rev().take_while(|row| row.timestamp == last).collect();
    page.retain(|row| {
        if row.timestamp != last || aggregated {
            return row.timestamp > last;
        }
        let same = again.iter().position(|known| *known == row);
        if let Some(same) = same {
            again.swap_remove(same);
        }
        same.is_none()
    });
    page
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::MetricValue;

    fn row((second, value): (i64, i32)) -> Reading {
        Reading {
            device_id: None,
            timestamp: jiff::Timestamp::from_second(second).unwrap(),
            values: [("m".into(), MetricValue::Number(f64::from(value)))].into(),
        }
    }

    proptest! {
        #[test]
        fn no_row_is_lost_or_doubled_in_whatever_order_equal_times_come(
            mut rows in proptest::collection::vec((0_i64..6, 0_i32..3), 0..40),
            cut in 0_usize..40,
            shuffle in any::<u64>(),
        ) {
            rows.sort_unstable();
            let all: Vec<Reading> = rows.iter().copied().map(row).collect();
            let (first, _) = all.split_at(cut.min(all.len()));
            let mut page: Vec<Reading> = all.iter().filter(|row| first.last().is_none_or(|last| row.timestamp >= last.timestamp)).cloned().collect();
            fastrand::Rng::with_seed(shuffle).shuffle(&mut page);
            page.sort_by_key(|row| row.timestamp);
            let mut joined = first.to_vec();
            joined.extend(fresh(first, page, false));
            joined.sort_by(|one, other| one.timestamp.cmp(&other.timestamp).then_with(|| format!("{one:?}").cmp(&format!("{other:?}"))));
            prop_assert_eq!(joined, all);
        }
    }

    #[test]
    fn an_interval_whose_value_changed_meanwhile_is_still_one() {
        let known = [row((1, 1)), row((2, 1))];
        assert_eq!(fresh(&known, vec![row((2, 7)), row((3, 1))], true), vec![row((3, 1))]);
    }
}
