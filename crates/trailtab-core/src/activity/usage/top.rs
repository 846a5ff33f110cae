//! The first items of many by their order.

/// Keeps the first items by their order, holding at most twice as many.
#[derive(Debug)]
pub(super) struct FirstItems<T> {
    limit: usize,
    items: Vec<T>,
}

impl<T: Ord> FirstItems<T> {
    /// Keeps at most so many items.
    pub(super) fn new(limit: usize) -> FirstItems<T> {
        FirstItems {
            limit,
            items: Vec::new(),
        }
    }

    pub(super) fn add(&mut self, item: T) {
        self.items.push(item);
        if self.items.len() >= self.limit.saturating_mul(2).max(1) {
            self.shrink();
        }
    }

    fn shrink(&mut self) {
        self.items.sort_unstable();
        self.items.truncate(self.limit);
    }

    /// The items in their order.
    pub(super) fn sorted(mut self) -> Vec<T> {
        self.shrink();
        self.items
    }
}
