//! A driver to copy. It holds its text in memory: enough for the tests of whoever uses a driver.

use std::cell::RefCell;

use anyhow::Result;
use enforcer_packetset::Packet;

use crate::config::Point;
use crate::driver::{Cut, Driver, DriverKind, Running};

/// Goes into `registry.rs`.
pub const KIND: DriverKind = DriverKind { name: "template", target: "nftables", open };

#[derive(Default)]
struct Memory {
    running: RefCell<Running>,
}

fn open(_point: &Point) -> Result<Box<dyn Driver>> {
    Ok(Box::new(Memory::default()))
}

impl Driver for Memory {
    fn read_back(&self) -> Result<Running> {
        Ok(self.running.borrow().clone())
    }

    fn apply(&self, text: &str) -> Result<()> {
        self.running.replace(Running(Some(text.to_owned())));
        Ok(())
    }

    fn restore(&self, checkpoint: &Running) -> Result<()> {
        self.running.replace(checkpoint.clone());
        Ok(())
    }

    fn cut(&self, _denied: &dyn Fn(&Packet) -> bool) -> Result<Cut> {
        Ok(Cut::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn restore_undoes_apply() {
        let driver = (KIND.open)(&Point::unreached(KIND.target)).unwrap();
        let before = driver.read_back().unwrap();
        driver.apply("new").unwrap();
        assert_eq!(driver.read_back().unwrap(), Running(Some("new".into())));
        driver.restore(&before).unwrap();
        assert_eq!(driver.read_back().unwrap(), before);
    }
}
