//! What can be told of a Linux program before AWS Lambda refuses to start it.

use memchr::memmem;

use crate::spec::Architecture;

/// The glibc of Lambda's `provided.al2023`, 2.34: <https://docs.aws.amazon.com/linux/al2023/ug/glibc-gcc-and-binutils-in-al2023.html>
pub(super) const LAMBDA_GLIBC: (u32, u32) = (2, 34);

/// What a Linux program runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Elf {
    /// The processor; `None` for one that AWS Lambda does not have.
    pub(super) architecture: Option<Architecture>,
    /// The newest glibc that it asks for; `None` for a static one.
    pub(super) glibc: Option<(u32, u32)>,
}

/// Reads the header of a program; `None` if it is not one for Linux.
pub(super) fn read(program: &[u8]) -> Option<Elf> {
    let header = program.get(..20)?;
    if !header.starts_with(b"\x7fELF") {
        return None;
    }
    // e_machine, little-endian in both of Lambda's processors: 62 is EM_X86_64, 183 is EM_AARCH64.
    let architecture = match (header[4], u16::from_le_bytes([header[18], header[19]])) {
        (2, 62) => Some(Architecture::X86_64),
        (2, 183) => Some(Architecture::Arm64),
        _ => None,
    };
    Some(Elf { architecture, glibc: glibc(program) })
}

/// The newest of the version names that the dynamic symbols refer to, which stand in the string table as `GLIBC_2.34`.
fn glibc(program: &[u8]) -> Option<(u32, u32)> {
    const PREFIX: &[u8] = b"\0GLIBC_";
    memmem::find_iter(program, PREFIX)
        .filter_map(|at| {
            let name: Vec<u8> = program[at + PREFIX.len()..].iter().copied().take(12).take_while(|&b| b != 0).collect();
            let mut numbers = std::str::from_utf8(&name).ok()?.split('.').map(str::parse);
            Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
        })
        .max()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// The start of a program, as far as we look.
    pub(crate) fn program(class: u8, machine: u16, strings: &[u8]) -> Vec<u8> {
        let mut elf = vec![0; 64];
        elf[..6].copy_from_slice(&[0x7f, b'E', b'L', b'F', class, 1]);
        elf[18..20].copy_from_slice(&machine.to_le_bytes());
        elf.extend_from_slice(strings);
        elf
    }

    #[test]
    fn the_processor_and_the_newest_glibc_are_read() {
        let strings = b"\0GLIBC_2.2.5\0GLIBC_2.34\0GLIBC_2.4\0GLIBC_PRIVATE\0";
        let elf = Elf { architecture: Some(Architecture::X86_64), glibc: Some((2, 34)) };
        assert_eq!(read(&program(2, 62, strings)), Some(elf));
        let elf = Elf { architecture: Some(Architecture::Arm64), glibc: None };
        assert_eq!(read(&program(2, 183, b"")), Some(elf));
        assert_eq!(read(&program(1, 62, b"")), Some(Elf { architecture: None, glibc: None }), "x32");
        assert_eq!(read(&program(2, 243, b"")), Some(Elf { architecture: None, glibc: None }), "RISC-V");
    }

    #[test]
    fn what_is_no_linux_program_is_none() {
        for bytes in [
            &b""[..],
            b"\x7fELF",
            b"#!/bin/sh\necho a script that is long enough",
            b"\xcf\xfa\xed\xfe Mach-O, from a Mac",
        ] {
            assert_eq!(read(bytes), None);
        }
    }
}
