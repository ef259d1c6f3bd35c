//! How the loop of the writer waits: the seam between a thread and a simulation.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

use crate::inbox::Shared;

/// Whoever runs the loop of the writer, and lets time pass in it.
pub trait Pace {
    /// There is something to commit: whoever is ready to bring more may do so first.
    fn gather(&mut self) -> impl Future<Output = ()> + Send {
        std::future::ready(())
    }
    /// Between the two halves of a commit: written, and not synced yet.
    fn written(&mut self) -> impl Future<Output = ()> + Send;
    /// The disk is full: waits so long, or until the inbox is closed; earlier does no harm.
    fn room(&mut self, closed: Closed, patience: Duration) -> impl Future<Output = ()> + Send;
}

/// Ready when the inbox is closed.
pub struct Closed(Arc<Shared>);

impl Closed {
    pub(crate) const fn new(shared: Arc<Shared>) -> Self {
        Self(shared)
    }
}

impl Future for Closed {
    type Output = ();
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        self.0.poll_closed(context)
    }
}

/// A thread that is the writer's alone: it waits by sleeping, and the disk takes the time it takes.
pub(crate) struct ThreadPace;

impl Pace for ThreadPace {
    /// Takes no time on a machine with a processor to spare; where all are busy, a commit then takes what others have in
    /// their hands, instead of a sync for each handful.
    async fn gather(&mut self) {
        thread::yield_now();
    }
    async fn written(&mut self) {}
    async fn room(&mut self, closed: Closed, patience: Duration) {
        let mut closed = pin!(closed);
        poll_fn(|context| {
            if closed.as_mut().poll(context).is_pending() {
                thread::park_timeout(patience);
            }
            Poll::Ready(())
        })
        .await;
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Runs a future to its end on this thread, which sleeps while it waits.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let (mut future, mut context) = (pin!(future), Context::from_waker(&waker));
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
        thread::park();
    }
}
