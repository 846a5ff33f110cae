//! Credentials: a key for each account that never ends, and those that are issued.

use std::collections::BTreeMap;
use std::sync::Mutex;

use super::events::Random;
use super::world::World;

/// Signatures are not checked, so that one secret does for all.
pub(crate) const SECRET: &str = "wJalrXUtnFEMIEXAMPLEKEY";

#[derive(Debug, Clone)]
pub(crate) struct Key {
    pub(crate) access_key: String,
    pub(crate) session_token: Option<String>,
    pub(crate) account: String,
    /// The ARN that GetCallerIdentity returns.
    pub(crate) arn: String,
    /// When the server stops accepting it, by its clock.
    pub(crate) ends: f64,
}

#[derive(Debug)]
pub(crate) struct Keys {
    keys: Mutex<BTreeMap<String, Key>>,
}

impl Keys {
    pub(crate) fn new(world: &World) -> Keys {
        let keys = world.accounts.keys().map(|account| Key {
            access_key: fixed(account),
            session_token: None,
            account: account.clone(),
            arn: format!("arn:aws:iam::{account}:user/trailtab"),
            ends: f64::INFINITY,
        });
        let keys = keys.map(|key| (key.access_key.clone(), key)).collect();
        Keys {
            keys: Mutex::new(keys),
        }
    }

    /// Issues a key that ends at a time of the server's clock.
    pub(crate) fn issue(&self, account: &str, arn: &str, ends: f64) -> Key {
        let mut keys = self.keys.lock().unwrap();
        let number = keys.len() as u64;
        let key = Key {
            access_key: format!("ASIA{number:016}"),
            session_token: Some(format!("session-{:016x}", Random(number).next())),
            account: account.to_owned(),
            arn: arn.to_owned(),
            ends,
        };
        keys.insert(key.access_key.clone(), key.clone());
        key
    }

    pub(crate) fn find(&self, access_key: &str) -> Option<Key> {
        self.keys.lock().unwrap().get(access_key).cloned()
    }
}

/// The access key of an account that never ends.
pub(crate) fn fixed(account: &str) -> String {
    format!("AKIA{account}")
}
