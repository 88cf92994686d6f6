// Package runtime is what the generated requests need at run time: the part of
// github.com/oapi-codegen/runtime for plain values, without its dependencies.
package runtime

import (
	"fmt"
	"net/url"
	"time"
)

// ParamLocation is where a parameter stands.
type ParamLocation int

// The locations.
const (
	ParamLocationUndefined ParamLocation = iota
	ParamLocationQuery
	ParamLocationPath
	ParamLocationHeader
)

// StyleParamOptions says how to write a parameter. Type and Format are those of
// its schema.
type StyleParamOptions struct {
	ParamLocation ParamLocation
	Type          string
	Format        string
}

// StyleParamWithOptions writes a string, time, integer or boolean. A path parameter
// that would change the path's shape is refused.
func StyleParamWithOptions(_ string, _ bool, name string, value any, o StyleParamOptions) (string, error) {
	switch o.Type {
	case "string", "integer", "boolean":
	default:
		return "", fmt.Errorf("parameter %s: the type %s is not provided for", name, o.Type)
	}
	text := fmt.Sprint(value)
	if at, ok := value.(time.Time); ok {
		text = at.Format(time.RFC3339Nano)
	}
	switch o.ParamLocation {
	case ParamLocationQuery:
		return url.QueryEscape(name) + "=" + url.QueryEscape(text), nil
	case ParamLocationPath:
		// Servers and clients take such segments out of a path, escaped or not.
		if text == "" {
			return "", fmt.Errorf("%s is empty", name)
		}
		if text == "." || text == ".." {
			return "", fmt.Errorf("%q is no possible value for %s", text, name)
		}
		return url.PathEscape(text), nil
	case ParamLocationHeader:
		return text, nil
	}
	return "", fmt.Errorf("parameter %s: the location %d is not provided for", name, o.ParamLocation)
}
