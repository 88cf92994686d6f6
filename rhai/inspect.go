package rhai

// TypeName returns what type_of answers for the value, such as "i64".
func (v Value) TypeName() string { return typeName(v) }

// DebugString returns the text that debug writes for the value.
func (v Value) DebugString() string { return debugString(v) }

// Repr returns the reference's debug form of the value, which differs from
// DebugString for function pointers.
func (v Value) Repr() string { return reprString(v) }
