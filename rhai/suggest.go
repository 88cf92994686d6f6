package rhai

import "github.com/picloud/picloud/rhai/syntax"

// elsewhere are names that functions have in other languages, and those that they may have here.
var elsewhere = map[string][]string{
	"length": {"len"}, "lenght": {"len"}, "size": {"len"}, "count": {"len"}, "strlen": {"len"}, "sizeof": {"len"},
	"toUpperCase": {"to_upper"}, "upper": {"to_upper"}, "uppercase": {"to_upper"}, "to_uppercase": {"to_upper"}, "upcase": {"to_upper"},
	"toLowerCase": {"to_lower"}, "lower": {"to_lower"}, "lowercase": {"to_lower"}, "to_lowercase": {"to_lower"}, "downcase": {"to_lower"},
	"toString": {"to_string"}, "to_str": {"to_string"}, "to_s": {"to_string"}, "str": {"to_string"}, "String": {"to_string"},
	"to_i": {"to_int", "parse_int"}, "parseInt": {"parse_int", "to_int"}, "Number": {"to_float", "parse_float"},
	"int": {"to_int", "parse_int"}, "float": {"to_float", "parse_float"}, "parseFloat": {"parse_float", "to_float"},
	"add": {"push"}, "append": {"push"}, "push_back": {"push"}, "unshift": {"insert"}, "prepend": {"insert"},
	"includes": {"contains"}, "has": {"contains"}, "contains_key": {"contains"}, "hasOwnProperty": {"contains"},
	"indexOf": {"index_of"}, "find_index": {"index_of"}, "findIndex": {"index_of"}, "position": {"index_of"},
	"substring": {"sub_string"}, "substr": {"sub_string"}, "slice": {"extract", "sub_string"},
	"replaceAll": {"replace"}, "gsub": {"replace"}, "strip": {"trim"}, "forEach": {"for_each"}, "each": {"for_each"},
	"isEmpty": {"is_empty"}, "empty": {"is_empty"}, "startsWith": {"starts_with"}, "startswith": {"starts_with"},
	"endsWith": {"ends_with"}, "endswith": {"ends_with"}, "any": {"some"}, "every": {"all"}, "select": {"filter"},
	"delete": {"remove"}, "fold": {"reduce"}, "charAt": {"get"}, "println": {"print"}, "puts": {"print"}, "echo": {"print"}, "printf": {"print"},
	"typeof": {"type_of"}, "isNaN": {"is_nan"}, "explode": {"split"}, "sorted": {"sort"}, "reversed": {"reverse"},
	"to_json_string": {"to_json"}, "stringify": {"to_json"}, "parseJson": {"parse_json"}, "now": {"timestamp"},
}

// known reports whether the library, or the host's functions, have one of a name that fits.
func known(name string, funcs registry, fits func(*Native) bool) bool {
	for _, r := range []registry{funcs, coreRegistry()} {
		for arity := range 6 {
			for _, f := range r[fnKey{name, arity}] {
				if fits(f) {
					return true
				}
			}
		}
	}
	return false
}

// nearest is the function that a name may stand for: a name from elsewhere, or a misspelling. Own are further names. It is
// "" if there is none, or more than one that is equally near.
func nearest(name string, own []string, funcs registry, fits func(*Native) bool) string {
	if fits != nil {
		for _, s := range elsewhere[name] {
			if syntax.IsFunctionName(s) && known(s, funcs, fits) || (s == "print" || s == "type_of") && funcs != nil {
				return s
			}
		}
	}
	best, found, twice := 3, "", false
	try := func(s string) {
		if s == name {
			best, found, twice = 0, s, false
			return
		}
		if d, ok := syntax.Alike(name, s); ok && s != found {
			switch {
			case d < best:
				best, found, twice = d, s, false
			case d == best:
				twice = true
			}
		}
	}
	for _, s := range own {
		try(s)
	}
	if fits != nil {
		for _, r := range []registry{funcs, coreRegistry()} {
			for k, list := range r {
				if _, ok := syntax.Alike(name, k.name); !ok {
					continue
				}
				for _, f := range list {
					if fits(f) {
						try(k.name)
						break
					}
				}
			}
		}
	}
	if twice {
		return ""
	}
	return found
}

func didYouMean(name string) string {
	if name == "" {
		return ""
	}
	return "did you mean " + name + "?"
}

func floatHint(name string) string {
	return name + " takes f64: write 4.0 instead of 4, or convert with to_float()"
}
