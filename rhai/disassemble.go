package rhai

import (
	"io"

	"github.com/picloud/picloud/rhai/internal/bytecode"
)

// Disassemble writes the program's bytecode in a readable form, for debugging.
// The form may change from version to version.
func (p *Program) Disassemble(w io.Writer) error { return bytecode.Disassemble(w, p.unit, "") }

// DisassembleSource is Disassemble with the lines of the program's source above the code made of them.
func (p *Program) DisassembleSource(w io.Writer, source string) error {
	return bytecode.Disassemble(w, p.unit, source)
}
