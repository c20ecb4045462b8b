//! Devices that an account knows, because its owner has signed in on them: the "device cookies" of OWASP.
//!
//! Nothing is stored. The proof that a device is known names the device by a random number, and carries the keyed hash
//! of that number and the user's id. It gives no access; it only says which limit of wrong passwords counts.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use secrecy::SecretString;
use subtle::ConstantTimeEq;
use time::Duration;
use uuid::Uuid;

use super::secrets::HashKey;

/// How long a device is known after a sign-in.
pub const LIFETIME: Duration = Duration::days(365);

/// A new proof that this user knows the device.
pub fn issue(hash_key: &HashKey, user_id: Uuid) -> SecretString {
    let number: [u8; 16] = rand::random();
    let device = URL_SAFE_NO_PAD.encode(number);
    format!("{device}.{}", URL_SAFE_NO_PAD.encode(signature(hash_key, user_id, &device))).into()
}

/// The device that the proof names, if this user knows it.
pub fn verify<'a>(hash_key: &HashKey, user_id: Uuid, proof: &'a str) -> Option<&'a str> {
    let (device, signed) = proof.split_once('.')?;
    let signed = URL_SAFE_NO_PAD.decode(signed).ok()?;
    bool::from(signature(hash_key, user_id, device).ct_eq(&signed)).then_some(device)
}

fn signature(hash_key: &HashKey, user_id: Uuid, device: &str) -> Vec<u8> {
    hash_key.hash(&format!("device {user_id} {device}"))
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn a_proof_holds_for_one_user_and_one_key() {
        let key = |text: &str| HashKey::new(&text.into()).unwrap();
        let (ours, ada, bea) = (key("ours"), Uuid::now_v7(), Uuid::now_v7());
        let proof = issue(&ours, ada);
        let proof = proof.expose_secret();
        let device = verify(&ours, ada, proof).unwrap();
        assert!(proof.starts_with(device) && device.len() == 22, "{proof}");
        assert_eq!(verify(&ours, bea, proof), None);
        assert_eq!(verify(&key("another"), ada, proof), None);
        for forged in ["", ".", device, &format!("{device}."), &format!("x{proof}"), &format!("{proof}x")] {
            assert_eq!(verify(&ours, ada, forged), None, "{forged}");
        }
        assert_ne!(issue(&ours, ada).expose_secret(), proof);
    }
}
