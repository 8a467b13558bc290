//! What a fault makes of an answer on its way out.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use bytes::Bytes;
use futures_util::Stream;
use thiserror::Error;

use super::{FaultAction, When};
use crate::simulator::api::Answer;

/// Marks an answer that is never sent: the connection is closed instead.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hangup;

/// Why a connection was closed on purpose.
#[derive(Debug, Error)]
#[error("a fault rule closed the connection")]
pub(crate) struct HangupBody;

/// The answer under a fault. Where the fault struck before the commit, `answer` is what would stand
/// for it and is not used.
pub(crate) fn apply(action: &FaultAction, answer: Answer) -> Response {
    match action {
        FaultAction::Delay | FaultAction::ExpireTokens => answer.into_response(),
        FaultAction::Drop(_) => {
            let mut response = Response::new(Body::empty());
            response.extensions_mut().insert(Hangup);
            response
        }
        FaultAction::Status { status, retry_after, .. } => {
            let mut answer = Answer::monitor_error(*status, "injected", "a fault rule answered this");
            if let Some(value) = retry_after {
                answer = answer.with_header("retry-after", value);
            }
            answer.into_response()
        }
        FaultAction::Truncate { at, cut: false } => {
            let body = answer.body.slice(..(*at).min(answer.body.len()));
            Answer { body, ..answer }.into_response()
        }
        FaultAction::Truncate { at, cut: true } => Broken::after(answer, *at, Ending::Cut),
        FaultAction::Stall { at } => Broken::after(answer, *at, Ending::Stall),
        FaultAction::Endless => {
            let mut response = Response::new(Body::from_stream(Broken {
                first: Some(Bytes::from_static(b"{\"results\":[")),
                ending: Ending::Endless,
            }));
            response
                .headers_mut()
                .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
            response
        }
        FaultAction::Replace {
            status,
            content_type,
            body,
            ..
        } => Answer {
            status: *status,
            headers: vec![("content-type", content_type.clone())],
            body: body.clone().into(),
        }
        .into_response(),
        FaultAction::GzipBomb { bytes } => Answer {
            status: 200,
            headers: vec![("content-type", "application/json".into()), ("content-encoding", "gzip".into())],
            body: gzip_of_zeros(*bytes).into(),
        }
        .into_response(),
        FaultAction::Redirect { status, to, .. } => Answer {
            status: *status,
            headers: vec![("location", to.clone())],
            body: Bytes::new(),
        }
        .into_response(),
    }
}

impl FaultAction {
    /// Whether the call is answered without being carried out.
    pub(crate) fn is_before(&self) -> bool {
        match self {
            Self::Drop(when) | Self::Status { when, .. } | Self::Replace { when, .. } | Self::Redirect { when, .. } => {
                *when == When::Before
            }
            Self::Delay | Self::Truncate { .. } | Self::Stall { .. } | Self::Endless | Self::GzipBomb { .. } | Self::ExpireTokens => false,
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Ending {
    Cut,
    Stall,
    Endless,
}

/// A body that does not end as its head promised.
struct Broken {
    first: Option<Bytes>,
    ending: Ending,
}

impl Broken {
    fn after(answer: Answer, at: usize, ending: Ending) -> Response {
        let whole = answer.body.len();
        let first = answer.body.slice(..at.min(whole));
        let mut response = Answer {
            body: Bytes::new(),
            ..answer
        }
        .into_response();
        if let Ok(length) = HeaderValue::from_str(&whole.max(at + 1).to_string()) {
            response.headers_mut().insert(header::CONTENT_LENGTH, length);
        }
        *response.body_mut() = Body::from_stream(Self {
            first: Some(first),
            ending,
        });
        response
    }
}

impl Stream for Broken {
    type Item = Result<Bytes, HangupBody>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        static SPACES: [u8; 16_384] = [b' '; 16_384];
        if let Some(first) = self.first.take().filter(|first| !first.is_empty()) {
            return Poll::Ready(Some(Ok(first)));
        }
        match self.ending {
            Ending::Cut => Poll::Ready(Some(Err(HangupBody))),
            Ending::Stall => Poll::Pending, // for ever: the client must give up, or the server's end closes the connection
            Ending::Endless => Poll::Ready(Some(Ok(Bytes::from_static(&SPACES)))),
        }
    }
}

impl Answer {
    pub(crate) fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        for (name, value) in self.headers {
            if let Ok(value) = HeaderValue::from_str(&value) {
                response.headers_mut().insert(name, value);
            }
        }
        response
    }
}

/// A valid gzip member of `count` zero bytes, about a 159th of its size: one literal, then copies of 258, in a fixed Huffman block.
fn gzip_of_zeros(count: u64) -> Vec<u8> {
    const COPY: u64 = 258;
    let mut out = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
    let mut bits = Bits {
        out: &mut out,
        held: 0,
        count: 0,
    };
    bits.put_low_first(0b011, 3); // last block, fixed codes
    let copies = count.saturating_sub(1) / COPY;
    let literals = count - copies * COPY;
    for _ in 0..literals {
        bits.put_high_first(0x30, 8); // literal 0
    }
    for _ in 0..copies {
        bits.put_high_first(0b1100_0101, 8); // length 258
        bits.put_high_first(0, 5); // distance 1
    }
    bits.put_high_first(0, 7); // end of block
    bits.flush();
    out.extend(crc32_of_zeros(count).to_le_bytes());
    out.extend(u32::try_from(count & 0xffff_ffff).unwrap_or_default().to_le_bytes());
    out
}

struct Bits<'a> {
    out: &'a mut Vec<u8>,
    held: u32,
    count: u32,
}

impl Bits<'_> {
    fn put_low_first(&mut self, value: u32, width: u32) {
        for bit in 0..width {
            self.held |= ((value >> bit) & 1) << self.count;
            self.count += 1;
            if self.count == 8 {
                self.flush();
            }
        }
    }

    fn put_high_first(&mut self, value: u32, width: u32) {
        self.put_low_first(value.reverse_bits() >> (32 - width), width);
    }

    fn flush(&mut self) {
        if self.count > 0 {
            self.out.push(u8::try_from(self.held & 0xff).unwrap_or_default());
        }
        self.held = 0;
        self.count = 0;
    }
}

/// One zero byte is a linear map of the register's 32 bits, so many of them are that map squared and multiplied.
fn crc32_of_zeros(count: u64) -> u32 {
    let step = |mut crc: u32| {
        for _ in 0..8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 };
        }
        crc
    };
    let times = |map: &[u32], vector: u32| {
        map.iter()
            .enumerate()
            .filter(|(bit, _)| (vector >> bit) & 1 == 1)
            .fold(0, |sum, (_, column)| sum ^ column)
    };
    let mut map: Vec<u32> = (0..32).map(|bit| step(1 << bit)).collect();
    let mut crc = u32::MAX;
    let mut left = count;
    while left > 0 {
        if left & 1 == 1 {
            crc = times(&map, crc);
        }
        map = map.iter().map(|column| times(&map, *column)).collect();
        left >>= 1;
    }
    !crc
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_of_zeros_is_that_of_the_standard() {
        assert_eq!(crc32_of_zeros(0), 0);
        assert_eq!(crc32_of_zeros(1), 0xd202_ef8d);
        assert_eq!(crc32_of_zeros(4), 0x2144_df1c);
    }
}
