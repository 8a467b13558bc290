//! The secret that messages are signed with.

use secrecy::{ExposeSecret as _, SecretString};

use super::super::template::Text;
use super::reader::{Object, Reader};

/// The secret of the Standard Webhooks signature.
#[derive(Clone, Debug)]
pub struct Signing(SecretString);

impl Signing {
    pub(in crate::integration::webhook) fn secret(&self) -> &str {
        self.0.expose_secret()
    }
}

impl<'a> Reader<'a> {
    pub(super) fn signing(&self, webhook: &Object<'a>) -> Option<Signing> {
        use base64::Engine as _;
        let written = self.text(webhook, "signingSecret")?;
        if Text::parse(&written).is_ok_and(|text| text.names().count() == 0) {
            self.note(
                webhook,
                "signingSecret",
                "stands in clear text; write ${NAME} and treat the one that stood here as known",
            );
            return None;
        }
        let secret = self.secret(&written, webhook, "signingSecret")?;
        let secret = secret.trim().to_owned();
        if let Some(encoded) = secret.strip_prefix("whsec_")
            && base64::engine::general_purpose::STANDARD.decode(encoded).is_err()
        {
            self.note(webhook, "signingSecret", "begins with whsec_ and is not base64 behind it");
            return None;
        }
        Some(Signing(secret.into()))
    }
}
