//! hipBLASLt's objects: handles, and descriptions of products, matrices and preferences.

use std::collections::HashMap;

/// `HIPBLAS_STATUS_INVALID_VALUE`
pub(crate) const INVALID_VALUE: i32 = 3;

/// What a call answers where the double refuses it: a status and why.
pub(crate) type Refusal = (i32, String);

/// A description of a product.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Operation {
    pub(crate) compute: i32,
    pub(crate) scale: i32,
    pub(crate) transposes: [i32; 2],
    pub(crate) epilogue: u32,
    pub(crate) bias: u64,
    pub(crate) bias_type: i32,
}

/// A description of a matrix, column by column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Layout {
    pub(crate) dtype: i32,
    pub(crate) rows: u64,
    pub(crate) columns: u64,
    pub(crate) leading: i64,
    pub(crate) count: i32,
    pub(crate) stride: i64,
}

/// An object.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Thing {
    /// And the stream that it was used with, of which there is one.
    Handle(Option<u64>),
    Operation(Operation),
    Layout(Layout),
    /// Bytes of workspace at most.
    Preference(u64),
}

/// The objects that are alive, by what stands for their address.
#[derive(Default)]
pub(crate) struct Objects {
    alive: HashMap<u64, Thing>,
    made: u64,
}

/// Where addresses of objects begin: nothing that a host or a device has.
const FIRST: u64 = 0xb1a5_0000_0000_0000;

impl Objects {
    pub(crate) fn alive(&self) -> usize {
        self.alive.len()
    }

    /// Makes one, and writes its address. No address is given twice.
    pub(crate) fn make(&mut self, to: *mut u64, thing: Thing) -> Result<i32, Refusal> {
        if to.is_null() {
            return Err((INVALID_VALUE, "a null pointer".into()));
        }
        self.made += 1;
        let address = FIRST + self.made * 64;
        self.alive.insert(address, thing);
        // SAFETY: the caller's pointer, which the library would write to as well.
        unsafe { to.write(address) };
        Ok(0)
    }

    pub(crate) fn destroy(&mut self, address: u64, is: fn(&Thing) -> bool) -> Result<i32, Refusal> {
        match self.alive.get(&address) {
            Some(thing) if is(thing) => {
                self.alive.remove(&address);
                Ok(0)
            }
            other => Err((INVALID_VALUE, format!("{address:#x} is {other:?}"))),
        }
    }

    pub(crate) fn get(&mut self, address: u64) -> Result<&mut Thing, Refusal> {
        self.alive.get_mut(&address).ok_or_else(|| (INVALID_VALUE, format!("{address:#x} is no object")))
    }

    pub(crate) fn operation(&mut self, address: u64) -> Result<&mut Operation, Refusal> {
        match self.get(address)? {
            Thing::Operation(operation) => Ok(operation),
            other => Err((INVALID_VALUE, format!("{address:#x} is {other:?}, no operation"))),
        }
    }

    pub(crate) fn layout(&mut self, address: u64) -> Result<&mut Layout, Refusal> {
        match self.get(address)? {
            Thing::Layout(layout) => Ok(layout),
            other => Err((INVALID_VALUE, format!("{address:#x} is {other:?}, no layout"))),
        }
    }

    pub(crate) fn preference(&mut self, address: u64) -> Result<&mut u64, Refusal> {
        match self.get(address)? {
            Thing::Preference(workspace) => Ok(workspace),
            other => Err((INVALID_VALUE, format!("{address:#x} is {other:?}, no preference"))),
        }
    }

    /// A handle, and the stream that it was used with.
    pub(crate) fn handle(&mut self, address: u64) -> Result<&mut Option<u64>, Refusal> {
        /// `HIPBLAS_STATUS_NOT_INITIALIZED`
        const NOT_INITIALIZED: i32 = 1;
        match self.alive.get_mut(&address) {
            Some(Thing::Handle(stream)) => Ok(stream),
            _ => Err((NOT_INITIALIZED, format!("{address:#x} is no handle"))),
        }
    }
}
