//! Where everything stands, by the size of the terminal.

use ratatui::layout::Rect;

use crate::pane::Focus;

/// Below this, one sentence says so.
pub(super) const LEAST: (u16, u16) = (40, 8);

/// The places of a frame; what is absent is not shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) status: Rect,
    pub(super) load: Option<Rect>,
    pub(super) trouble: Option<Rect>,
    /// All between the lines at the top and the bar.
    pub(super) body: Rect,
    pub(super) queue: Option<Rect>,
    pub(super) devices: Option<Rect>,
    pub(super) metrics: Option<Rect>,
    pub(super) strip: Option<Rect>,
    pub(super) bar: Rect,
}

/// A part of an area, by its first line and height.
fn lines(area: Rect, from: u16, height: u16) -> Rect {
    Rect {
        y: area.y + from.min(area.height),
        height: height.min(area.height.saturating_sub(from)),
        ..area
    }
}

impl Layout {
    /// `None` where the terminal is too small.
    pub(super) fn of(area: Rect, focus: Focus, zoomed: bool, trouble: u16) -> Option<Self> {
        if area.width < LEAST.0 || area.height < LEAST.1 {
            return None;
        }
        let has_load = area.height >= 16;
        // A sentence about trouble may take two lines where there is room.
        let trouble = trouble.min(if area.height >= 20 { 2 } else { 1 });
        let top = 1 + u16::from(has_load) + trouble;
        let body = lines(area, top, area.height - top - 1);
        let mut layout = Self {
            status: lines(area, 0, 1),
            load: has_load.then(|| lines(area, 1, 1)),
            trouble: (trouble > 0).then(|| lines(area, top - trouble, trouble)),
            body,
            bar: lines(area, area.height - 1, 1),
            ..Self::default()
        };
        let alone = |layout: &mut Self| match focus {
            Focus::Queue => layout.queue = Some(body),
            Focus::Devices => layout.devices = Some(body),
            Focus::Metrics => layout.metrics = Some(body),
        };
        if zoomed {
            alone(&mut layout);
        } else if area.width >= 100 && body.height >= 14 {
            let right_wide = (area.width * 7 / 20).clamp(36, 72);
            let left = Rect {
                width: area.width - right_wide,
                ..body
            };
            let right = Rect {
                x: left.right(),
                width: right_wide,
                ..body
            };
            let strip_high = (body.height / 3).clamp(6, 12);
            layout.metrics = Some(lines(right, 0, body.height - strip_high));
            layout.strip = Some(lines(right, body.height - strip_high, strip_high));
            if body.height >= 26 {
                let devices_high = (body.height * 2 / 5).min(body.height - 12);
                layout.queue = Some(lines(left, 0, body.height - devices_high));
                layout.devices = Some(lines(left, body.height - devices_high, devices_high));
            } else if focus == Focus::Devices {
                layout.devices = Some(left);
            } else {
                layout.queue = Some(left);
            }
        } else if area.width >= 72 && body.height >= 16 && focus == Focus::Queue {
            layout.queue = Some(lines(body, 0, body.height - 7));
            layout.strip = Some(lines(body, body.height - 7, 7));
        } else {
            alone(&mut layout);
        }
        Some(layout)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_overlaps_and_nothing_is_outside_at_any_size() {
        for width in (0..220).step_by(3) {
            for height in 0..80 {
                for focus in [Focus::Queue, Focus::Devices, Focus::Metrics] {
                    for (zoomed, trouble) in [(false, 0), (true, 0), (false, 1), (false, 2)] {
                        let area = Rect::new(0, 0, width, height);
                        let Some(layout) = Layout::of(area, focus, zoomed, trouble) else {
                            assert!(width < LEAST.0 || height < LEAST.1);
                            continue;
                        };
                        let parts: Vec<Rect> = [
                            Some(layout.status),
                            layout.load,
                            layout.trouble,
                            layout.queue,
                            layout.devices,
                            layout.metrics,
                            layout.strip,
                            Some(layout.bar),
                        ]
                        .into_iter()
                        .flatten()
                        .collect();
                        let cells: u32 = parts.iter().map(|part| part.area()).sum();
                        assert_eq!(cells, area.area(), "{width}x{height} {focus:?}: every cell belongs to one part");
                        for (index, one) in parts.iter().enumerate() {
                            assert_eq!(area.intersection(*one), *one);
                            for other in &parts[index + 1..] {
                                assert!(one.intersection(*other).is_empty(), "{width}x{height}: {one} and {other}");
                            }
                        }
                    }
                }
            }
        }
    }
}
