package rhai

import (
	"io"

	"github.com/picloud/picloud/rhai/internal/bytecode"
)

// Disassemble writes the program's bytecode in a readable form, for debugging.
// The form may change from version to version.
func (p *Program) Disassemble(w io.Writer) error { return bytecode.Disassemble(w, p.unit) }
