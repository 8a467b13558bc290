//! Which addresses an outbound webhook may reach. A name is judged by what it resolves to, at the moment of connecting: a receiver
//! that moves into the plant's network between check and call reaches nothing.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use thiserror::Error;

/// A network, as `10.0.0.0/8`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u8,
}

/// A text that is no network.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{0}` is not a network; write \"10.0.0.0/8\"")]
pub struct NetworkError(String);

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || NetworkError(text.to_owned());
        let (address, bits) = text.split_once('/').ok_or_else(wrong)?;
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let bits: u8 = bits.parse().map_err(|_| wrong())?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        if bits > most {
            return Err(wrong());
        }
        Ok(Self { address, bits })
    }
}

impl Network {
    const fn v4(a: u8, b: u8, c: u8, d: u8, bits: u8) -> Self {
        Self {
            address: IpAddr::V4(Ipv4Addr::new(a, b, c, d)),
            bits,
        }
    }

    const fn v6(first: u16, second: u16, bits: u8) -> Self {
        Self {
            address: IpAddr::V6(Ipv6Addr::new(first, second, 0, 0, 0, 0, 0, 0)),
            bits,
        }
    }

    fn contains(self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                let shift = 32 - u32::from(self.bits);
                let cut = |address: Ipv4Addr| u64::from(address.to_bits()) >> shift;
                cut(network) == cut(address)
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                let shift = 128 - u32::from(self.bits);
                let cut = |address: Ipv6Addr| address.to_bits().checked_shr(shift).unwrap_or(0);
                cut(network) == cut(address)
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }
}

/// What is not the public internet (IANA's special-purpose registries) and the metadata services of clouds, with the word for it.
const CLOSED: [(Network, &str); 26] = [
    (Network::v4(0, 0, 0, 0, 8), "an unspecified"),
    (Network::v4(10, 0, 0, 0, 8), "a private"),
    (Network::v4(100, 64, 0, 0, 10), "a private"), // shared by carriers; also a cloud's metadata service
    (Network::v4(127, 0, 0, 0, 8), "a loopback"),
    (Network::v4(169, 254, 0, 0, 16), "a link-local"), // the metadata service of most clouds
    (Network::v4(168, 63, 129, 16, 32), "a metadata"),
    (Network::v4(172, 16, 0, 0, 12), "a private"),
    (Network::v4(192, 0, 0, 0, 24), "a reserved"),
    (Network::v4(192, 0, 2, 0, 24), "a documentation"),
    (Network::v4(192, 88, 99, 0, 24), "a reserved"),
    (Network::v4(192, 168, 0, 0, 16), "a private"),
    (Network::v4(198, 18, 0, 0, 15), "a benchmarking"),
    (Network::v4(198, 51, 100, 0, 24), "a documentation"),
    (Network::v4(203, 0, 113, 0, 24), "a documentation"),
    (Network::v4(224, 0, 0, 0, 4), "a multicast"),
    (Network::v4(240, 0, 0, 0, 4), "a reserved"),
    (Network::v6(0, 0, 96), "a loopback or unspecified"), // ::, ::1 and the old compatible form
    (Network::v6(0x100, 0, 64), "a discard"),
    (Network::v6(0x2001, 0, 23), "a reserved"),
    (Network::v6(0x2001, 0xdb8, 32), "a documentation"),
    (Network::v6(0x3fff, 0, 20), "a documentation"),
    (Network::v6(0x5f00, 0, 16), "a reserved"),
    (Network::v6(0xfc00, 0, 7), "a private"), // a cloud's metadata service among them
    (Network::v6(0xfe80, 0, 10), "a link-local"),
    (Network::v6(0xfec0, 0, 10), "a private"),
    (Network::v6(0xff00, 0, 8), "a multicast"),
];

/// Why an address is not called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ClosedAddress {
    address: IpAddr,
    word: &'static str,
}

impl fmt::Display for ClosedAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{} is {} address: webhooks go there only if [bridge].allow_private names its network",
            self.address, self.word
        )
    }
}

impl std::error::Error for ClosedAddress {}

/// Lets through the public internet, and the private networks that the configuration names.
#[derive(Clone, Debug, Default)]
pub struct Door {
    allowed: Arc<[Network]>,
}

impl Door {
    /// Opens these networks besides the public internet.
    pub fn new(allowed: impl IntoIterator<Item = Network>) -> Self {
        Self {
            allowed: allowed.into_iter().collect(),
        }
    }

    /// Reads `[bridge].allow_private`.
    pub fn of(allowed: &[String]) -> Result<Self, NetworkError> {
        allowed
            .iter()
            .map(|text| text.parse())
            .collect::<Result<Vec<Network>, _>>()
            .map(Self::new)
    }

    pub(super) fn admits(&self, address: IpAddr) -> Result<(), ClosedAddress> {
        let inner = carried(address);
        if self.allowed.iter().any(|network| network.contains(inner)) {
            return Ok(());
        }
        match CLOSED.iter().find(|(network, _)| network.contains(inner)) {
            Some((_, word)) => Err(ClosedAddress { address, word }),
            None => Ok(()),
        }
    }
}

/// The IPv4 address inside the forms of IPv6 that lead to one: mapped, NAT64, 6to4.
fn carried(address: IpAddr) -> IpAddr {
    let IpAddr::V6(six) = address else { return address };
    let [first, second, third, rest @ ..] = six.segments();
    let four = |high: u16, low: u16| IpAddr::V4(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)));
    match (first, second, third, rest) {
        (0, 0, 0, [0, 0, 0xffff, high, low]) => four(high, low),
        (0x64, 0xff9b, 0, [0, 0, 0, high, low]) => four(high, low),
        (0x2002, high, low, _) => four(high, low),
        _ => address,
    }
}

impl Resolve for Door {
    fn resolve(&self, name: Name) -> Resolving {
        let door = self.clone();
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let mut closed = None;
            let open: Vec<SocketAddr> = found
                .into_iter()
                .filter(|found| match door.admits(found.ip()) {
                    Ok(()) => true,
                    Err(error) => {
                        closed.get_or_insert(error);
                        false
                    }
                })
                .collect();
            match closed {
                Some(error) if open.is_empty() => Err(error.into()),
                _ => Ok(Box::new(open.into_iter()) as Addrs),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admits(door: &Door, address: &str) -> bool {
        door.admits(address.parse().unwrap()).is_ok()
    }

    #[test]
    fn only_the_public_internet_is_open_by_itself() {
        let door = Door::default();
        for closed in [
            "0.0.0.0",
            "10.1.2.3",
            "100.100.100.200",
            "127.0.0.1",
            "127.255.0.9",
            "169.254.169.254",
            "168.63.129.16",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "198.19.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::127.0.0.1",
            "::ffff:10.0.0.1",
            "::ffff:169.254.169.254",
            "64:ff9b::a00:1",
            "2002:7f00:1::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "2001:db8::1",
        ] {
            assert!(!admits(&door, closed), "{closed}");
        }
        for open in [
            "1.1.1.1",
            "9.255.255.255",
            "11.0.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "100.63.255.255",
            "192.167.255.255",
            "2606:4700::1",
            "64:ff9b::101:101",
        ] {
            assert!(admits(&door, open), "{open}");
        }
    }

    #[test]
    fn a_network_that_is_named_is_open_and_no_other() {
        let door = Door::of(&["10.20.0.0/16".into(), "fd12::/16".into(), "127.0.0.1/32".into()]).unwrap();
        for (address, open) in [
            ("10.20.255.1", true),
            ("10.21.0.1", false),
            ("::ffff:10.20.0.1", true),
            ("fd12::9", true),
            ("fd13::9", false),
            ("127.0.0.1", true),
            ("127.0.0.2", false),
        ] {
            assert_eq!(admits(&door, address), open, "{address}");
        }
        assert!(admits(&Door::of(&["0.0.0.0/0".into()]).unwrap(), "192.168.0.1"));
        assert!(admits(&Door::of(&["::/0".into()]).unwrap(), "::1"));
        for wrong in ["10.0.0.0", "10.0.0.0/33", "::/129", "here/8", "10.0.0/8", ""] {
            assert!(wrong.parse::<Network>().is_err(), "{wrong}");
        }
    }
}
