// Package rhai runs scripts in the Rhai language: a compiler to bytecode and a
// register machine whose work and memory are metered the same on every machine.
//
// Inside the package the machine and the library meet in these functions:
//
//	toString(v) string                        to_string, as print writes it
//	debugString(v) string                     the debug form
//	typeName(v) string                        what type_of answers
//	binary(vm, op syntax.Token, a, b) (Value, error)   every operator, all type pairs, without the machine's fast paths
//	unary(vm, op syntax.Token, a) (Value, error)
//	assignOp(vm, op syntax.Token, place *Value, b) error   `+=` and its kin; op is the plain operator (Plus for +=).
//	                                          The place is not yet unique: call vm.unique before writing in place
//	equal(vm, a, b) (bool, error)             ==, also for switch cases and `in`
//	callSignature(name, args []Value) string  text of "Function not found"
//	coreNatives() []*Native                   the standard library, in a fixed order
//
// Values that leave a container to be kept go through share; vm.unique comes before any write; vm.alloc and vm.charge before
// any allocation or work. Errors are made without a position: the machine fills it in.
package rhai
