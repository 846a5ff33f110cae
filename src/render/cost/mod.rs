//! Cost in all its forms: pages for people, tables for spreadsheets.
