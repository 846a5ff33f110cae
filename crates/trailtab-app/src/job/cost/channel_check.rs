//! Checks the channels of the settings before anything is posted.

use aws_config::SdkConfig;

use super::check::{CheckReport, CheckVerdict};
use super::mail_setup;
use crate::aws;
use trailtab_core::cost::settings::CostSettings;

/// Checks that the secret of each channel can be read and is the URL of a webhook.
pub(super) async fn channels(
    settings: &CostSettings,
    config: &SdkConfig,
    checked: &mut CheckReport,
) {
    for channel in &settings.channels {
        let (name, kind) = (channel.name.trim(), channel.kind);
        let url = match mail_setup::channel_url(settings, channel, config).await {
            Ok(url) => url,
            Err(error) => {
                let what = format!("the channel {name:?}: {}", aws::with_causes(&error));
                checked.add(CheckVerdict::Bad, what);
                continue;
            }
        };
        match kind.is_usual_host(url.host()) {
            true => checked.add(
                CheckVerdict::Good,
                format!("the channel {name:?} has the URL of a webhook"),
            ),
            false => checked.add(
                CheckVerdict::Doubtful,
                format!(
                    "the channel {name:?} is of the kind {}, and its URL has the host {}, which is not usual for it",
                    kind.name(),
                    url.host()
                ),
            ),
        }
    }
}
