//! `trailtab cost check`: whether the settings are good, before anything is sent.
