//! Parts whose amounts are not known by day, as from an answer by month.
//!
//! Each type names all its members here, so that a new one cannot be forgotten.

use super::{
    AccountPart, ChargeRow, DimensionRows, Mover, ReportPart, ReportRow, RowFigure, UsageMovers,
};

impl RowFigure {
    fn forget_days(&mut self) {
        let RowFigure {
            amount: _,
            settled: _,
            before: _,
            last_day,
            day_before,
        } = self;
        (*last_day, *day_before) = (None, None);
    }
}

impl ReportRow {
    fn forget_days(&mut self) {
        let ReportRow {
            label: _,
            figure,
            daily,
            estimate,
        } = self;
        figure.forget_days();
        daily.clear();
        *estimate = None;
    }
}

impl ChargeRow {
    fn forget_days(&mut self) {
        let ChargeRow { charge: _, row } = self;
        row.forget_days();
    }
}

impl AccountPart {
    fn forget_days(&mut self) {
        let AccountPart {
            account: _,
            row,
            charges,
            bill: _,
            owners,
            services,
        } = self;
        row.forget_days();
        charges.iter_mut().for_each(ChargeRow::forget_days);
        let rows = owners.iter_mut().chain(services);
        rows.for_each(ReportRow::forget_days);
    }
}

impl UsageMovers {
    fn forget_days(&mut self) {
        let UsageMovers {
            accounts,
            services,
            owners,
        } = self;
        let movers = accounts.iter_mut().chain(services).chain(owners);
        movers.for_each(|Mover { figure, .. }| figure.forget_days());
    }
}

impl ReportPart {
    /// Removes all amounts of single days, and what is concluded from them.
    pub fn forget_days(&mut self) {
        let ReportPart {
            currency: _,
            sentence: _,
            usage,
            total,
            daily,
            daily_before,
            charges,
            owners,
            services,
            by,
            accounts,
            bill: _,
            commitments: _,
            trend: _,
            outlook,
            aws_forecast: _,
            unusual,
            budgets: _,
            tagged: _,
            movers,
        } = self;
        usage.forget_days();
        total.forget_days();
        daily.clear();
        daily_before.clear();
        charges.iter_mut().for_each(ChargeRow::forget_days);
        let by = by.iter_mut().flat_map(|DimensionRows { rows, .. }| rows);
        let rows = owners.iter_mut().chain(services).chain(by);
        rows.for_each(ReportRow::forget_days);
        accounts.iter_mut().for_each(AccountPart::forget_days);
        *outlook = None;
        *unusual = None;
        movers.forget_days();
    }
}
