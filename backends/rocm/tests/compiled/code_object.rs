//! What a code object says of its kernels: the note `NT_AMDGPU_METADATA` of its ELF file, MessagePack as LLVM's guide to the
//! AMDGPU backend describes it.

use object::read::elf::{ElfFile64, FileHeader, SectionHeader};
use rmpv::Value;

const NT_AMDGPU_METADATA: u32 = 32;

/// What the compiler took for a kernel.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    pub name: String,
    /// Vector registers of a lane, accumulators included, and scalar registers of a wave.
    pub vgprs: u64,
    pub sgprs: u64,
    /// Vector registers that were kept in memory for want of more. (Scalar ones are kept in lanes of vector registers.)
    pub spills: u64,
    /// Bytes of LDS of a work group, and of private memory of a lane.
    pub lds: u64,
    pub scratch: u64,
    /// Lanes of a wave.
    pub wave: u64,
    /// The most work items of a group.
    pub threads: u64,
    /// Arguments that a launch gives.
    pub arguments: usize,
}

/// The kernels of a code object, by what its note says.
pub fn kernels(bytes: &[u8]) -> Result<Vec<Taken>, String> {
    let file = ElfFile64::<object::Endianness>::parse(bytes).map_err(|error| error.to_string())?;
    let (header, endian) = (file.elf_header(), file.endian());
    if header.e_machine(endian) != object::elf::EM_AMDGPU {
        return Err("it is no code of an AMD GPU".into());
    }
    let sections = header.sections(endian, bytes).map_err(|error| error.to_string())?;
    for section in sections.iter() {
        let Ok(Some(mut notes)) = section.notes(endian, bytes) else { continue };
        while let Ok(Some(note)) = notes.next() {
            if note.name() == b"AMDGPU" && note.n_type(endian) == NT_AMDGPU_METADATA {
                let value = rmpv::decode::read_value(&mut note.desc()).map_err(|error| error.to_string())?;
                let list =
                    field(&value, "amdhsa.kernels").and_then(Value::as_array).ok_or("it names no kernels")?;
                return list.iter().map(taken).collect();
            }
        }
    }
    Err("it has no note of its kernels".into())
}

fn field<'v>(map: &'v Value, name: &str) -> Option<&'v Value> {
    map.as_map()?.iter().find_map(|(key, value)| (key.as_str() == Some(name)).then_some(value))
}

fn taken(kernel: &Value) -> Result<Taken, String> {
    let number = |name: &str| {
        field(kernel, name).and_then(Value::as_u64).ok_or_else(|| format!("a kernel's {name} is missing"))
    };
    let arguments = field(kernel, ".args").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let is_given = |argument: &&Value| {
        let kind = field(argument, ".value_kind").and_then(Value::as_str).unwrap_or_default();
        !kind.starts_with("hidden_")
    };
    Ok(Taken {
        name: field(kernel, ".name").and_then(Value::as_str).ok_or("a kernel has no name")?.into(),
        vgprs: number(".vgpr_count")?,
        sgprs: number(".sgpr_count")?,
        spills: number(".vgpr_spill_count")?,
        lds: number(".group_segment_fixed_size")?,
        scratch: number(".private_segment_fixed_size")?,
        wave: number(".wavefront_size")?,
        threads: number(".max_flat_workgroup_size")?,
        arguments: arguments.iter().filter(is_given).count(),
    })
}
