package scripts

import (
	"errors"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/picloud/picloud/internal/manager/api"
	"github.com/picloud/picloud/rhai"
)

// maxSourceLine bounds the line that a compile error shows, in characters.
const maxSourceLine = 200

// check refuses a source that is too long, is no text or does not compile.
func check(engine *rhai.Engine, name, source string) (*rhai.Program, error) {
	if len(source) > MaxSource {
		return nil, api.Refuse(http.StatusRequestEntityTooLarge, "the script has more than %d KiB, the most there may be: move parts of it into libraries and import them", MaxSource>>10)
	}
	if i := strings.IndexByte(source, 0); i >= 0 {
		return nil, api.Invalid("body.source", "a script cannot contain the character U+0000", nil)
	}
	program, err := engine.Compile(name+".rhai", source)
	if err == nil {
		return program, nil
	}
	var re *rhai.Error
	if !errors.As(err, &re) || re.Kind == rhai.ErrSystem {
		return nil, err
	}
	message := re.Message()
	p := api.Invalid("body.source", message, nil)
	p.Detail = "the script does not compile: " + re.Error()
	p.Line, p.Column = int(re.Position.Line), int(re.Position.Col)
	p.SourceLine = sourceLine(source, p.Line)
	p.Hint = re.Hint(source)
	return nil, p
}

// sourceLine returns a line of the source by its number, cut at maxSourceLine.
func sourceLine(source string, number int) string {
	line := rhai.SourceLine(source, uint32(max(number, 0)))
	if utf8.RuneCountInString(line) > maxSourceLine {
		line = string([]rune(line)[:maxSourceLine]) + "…"
	}
	return line
}
