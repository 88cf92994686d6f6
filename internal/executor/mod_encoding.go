package executor

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"html"
	"strings"

	"github.com/picloud/picloud/rhai"
)

// encoder and decoder make natives of an encoding of bytes as text.
func encoder(name, doc, example string, f func([]byte) string) *rhai.Native {
	return &rhai.Native{
		Name: name, Params: params(dataParam("data")), Returns: "string", Doc: doc, Example: example,
		Fn: func(c *rhai.Call) (rhai.Value, error) {
			b := data(c, 0)
			if err := work(c, len(b)); err != nil {
				return rhai.Value{}, err
			}
			if err := c.Alloc(2 * len(b)); err != nil {
				return rhai.Value{}, err
			}
			return c.String(f(b))
		},
	}
}

func decoder(name, form, doc, example string, f func(string) ([]byte, error)) *rhai.Native {
	return &rhai.Native{
		Name: name, Params: params(textParam("text")), Returns: "blob", Doc: doc, Example: example,
		Fn: func(c *rhai.Call) (rhai.Value, error) {
			s := text(c, 0)
			if err := work(c, len(s)); err != nil {
				return rhai.Value{}, err
			}
			if err := c.Alloc(len(s)); err != nil {
				return rhai.Value{}, err
			}
			b, err := f(s)
			if err != nil {
				return rhai.Value{}, throw("not valid " + form + ": " + decodingFault(err))
			}
			return rhai.Blob(b), nil
		},
	}
}

// decodingFault says what is wrong with an encoded text, as scripts count.
func decodingFault(err error) string {
	var at base64.CorruptInputError
	var b hex.InvalidByteError
	switch {
	case errors.As(err, &at):
		return fmt.Sprintf("the character at index %d does not belong there", int64(at))
	case errors.As(err, &b) && b < 0x80:
		return fmt.Sprintf("%q is no hexadecimal digit", rune(b))
	case errors.As(err, &b):
		return "a character is no hexadecimal digit"
	case errors.Is(err, hex.ErrLength):
		return "the number of digits is odd"
	}
	return err.Error()
}

func base64Module() *rhai.Module {
	// Padding may be there or not.
	decode := func(e *base64.Encoding) func(string) ([]byte, error) {
		return func(s string) ([]byte, error) { return e.DecodeString(strings.TrimRight(s, "=")) }
	}
	return rhai.NewModule("base64").
		Describe("Base64 of RFC 4648, in the standard alphabet and the one for addresses.").
		Register(
			encoder("encode", "Writes bytes, or the bytes of a text, in base64, with padding.", `base64::encode("Hi!?") // "SGkhPw=="`, base64.StdEncoding.EncodeToString),
			decoder("decode", "base64", "Reads base64, with or without padding. Other characters throw.", `base64::decode("SGkhPw==").as_string() // "Hi!?"`, decode(base64.RawStdEncoding)),
			encoder("encode_url", "Writes bytes in the alphabet for addresses (`-` and `_`), without padding.", `base64::encode_url("??>>") // "Pz8-Pg"`, base64.RawURLEncoding.EncodeToString),
			decoder("decode_url", "base64", "Reads base64 in the alphabet for addresses.", `base64::decode_url("Pz8-Pg").as_string() // "??>>"`, decode(base64.RawURLEncoding)),
		)
}

func hexModule() *rhai.Module {
	return rhai.NewModule("hex").
		Describe("Bytes as hexadecimal digits.").
		Register(
			encoder("encode", "Writes bytes, or the bytes of a text, as lower-case digits.", `hex::encode("Hi") // "4869"`, hex.EncodeToString),
			decoder("decode", "hexadecimal", "Reads digits of either case. Other characters throw.", `hex::decode("4869").as_string() // "Hi"`, hex.DecodeString),
		)
}

func htmlModule() *rhai.Module {
	convert := func(name, doc, example string, f func(string) string) *rhai.Native {
		return &rhai.Native{
			Name: name, Params: params(anyParam("text")), Returns: "string", Doc: doc, Example: example,
			Fn: func(c *rhai.Call) (rhai.Value, error) {
				s := scalarText(c.Arg(0))
				if err := work(c, len(s)); err != nil {
					return rhai.Value{}, err
				}
				return c.String(f(s))
			},
		}
	}
	return rhai.NewModule("html").
		Describe("Text in HTML. Everything from outside must be escaped before it stands in a page.").
		Register(
			convert("escape", "Makes text fit to stand in HTML, between tags and in quoted attributes. Numbers and truth values are written out.",
				`html::escape("<b title='x'>Fish & \"chips\"</b>") // "&lt;b title=&#39;x&#39;&gt;Fish &amp; &quot;chips&quot;&lt;/b&gt;"`, escapeHTML),
			convert("unescape", "Undoes `escape`, and reads all of HTML's named characters.", `html::unescape("Fish &amp; chips &eacute;") // "Fish & chips é"`, html.UnescapeString),
		)
}

var htmlEscaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&#39;")

func escapeHTML(s string) string { return htmlEscaper.Replace(s) }
