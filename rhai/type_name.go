package rhai

// typeName is what type_of answers.
func typeName(v Value) string {
	v = v.untag()
	switch v.kind() {
	case KindUnit:
		return "()"
	case KindBool:
		return "bool"
	case KindInt:
		return "i64"
	case KindFloat:
		return "f64"
	case KindChar:
		return "char"
	case KindTimestamp:
		return "timestamp"
	case KindString:
		return "string"
	case KindArray:
		return "array"
	case KindMap:
		return "map"
	case KindBlob:
		return "blob"
	case KindRange:
		if v.rng().inclusive {
			return "range="
		}
		return "range"
	case KindFn:
		return "Fn"
	case KindHost:
		if t := v.host().typ; t != nil {
			return t.Name
		}
		return "?"
	case kindCell:
		return typeName(v.deref())
	}
	return "?"
}

// signatureName is the type as "Function not found" writes it.
func signatureName(v Value) string {
	if n := typeName(v); n != "string" {
		return n
	}
	return "&str | ImmutableString | String"
}

// internalTypeName is the type as errors about indexing write it, which is Rust's name where there is one.
func internalTypeName(v Value) string {
	switch n := typeName(v); n {
	case "range":
		if v.Kind() == KindRange {
			return "core::ops::range::Range<i64>"
		}
		return n
	case "range=":
		return "core::ops::range::RangeInclusive<i64>"
	default:
		return n
	}
}
