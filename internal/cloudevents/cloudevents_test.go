package cloudevents

import (
	"strings"
	"testing"
	"time"

	"github.com/picloud/picloud/internal/value"
)

func TestParse(t *testing.T) {
	for body, want := range map[string]string{
		`{"specversion":"1.0","id":"7","source":"/shop","type":"order.created"}`: `{"id":"7","source":"/shop","specversion":"1.0","type":"order.created"}`,
		// What the specification shows as examples, and what else there can be.
		`{"specversion":"1.0","type":"com.example.someevent","source":"/mycontext","subject":null,"id":"C234-1234-1234","time":"2018-04-05T17:31:00Z","comexampleextension1":"value","comexampleothervalue":5,"datacontenttype":"application/json","data":{"appinfoA":"abc","appinfoB":123,"appinfoC":true}}`: `{"comexampleextension1":"value","comexampleothervalue":5,"data":{"appinfoA":"abc","appinfoB":123,"appinfoC":true},"datacontenttype":"application/json","id":"C234-1234-1234","source":"/mycontext","specversion":"1.0","time":"2018-04-05T17:31:00Z","type":"com.example.someevent"}`,
		`{"specversion":"1.0","id":"1","source":"urn:x:y","type":"t","data":null,"sampled":false}`:                                 `{"data":null,"id":"1","sampled":false,"source":"urn:x:y","specversion":"1.0","type":"t"}`,
		`{"specversion":"1.0","id":"1","source":"s","type":"t","datacontenttype":"text/xml","data":"<a/>"}`:                        `{"data":"<a/>","datacontenttype":"text/xml","id":"1","source":"s","specversion":"1.0","type":"t"}`,
		`{"specversion":"1.0","id":"1","source":"s","type":"t","dataschema":"https://example.com/s","data_base64":"////","n":-12}`: `{"data":"////","dataschema":"https://example.com/s","id":"1","n":-12,"source":"s","specversion":"1.0","type":"t"}`,
	} {
		e, err := Parse([]byte(body))
		if err != nil {
			t.Errorf("%s: %v", body, err)
			continue
		}
		if got := string(value.JSON(e.Value)); got != want {
			t.Errorf("%s:\ngot  %s\nwant %s", body, got, want)
		}
	}
	e, err := Parse([]byte(`{"specversion":"1.0","id":"7","source":"/shop","type":"order.created","time":"2026-01-31T12:00:00.5+01:00","data_base64":"AQI="}`))
	if err != nil {
		t.Fatal(err)
	}
	if e.ID != "7" || e.Source != "/shop" || e.Type != "order.created" || !e.Time.Equal(time.Date(2026, 1, 31, 11, 0, 0, 5e8, time.UTC)) {
		t.Errorf("got %+v", e)
	}
	if got := e.Value.Repr(); !strings.Contains(got, `"data": [0102]`) {
		t.Errorf("data_base64 is no blob: %s", got)
	}
}

func TestParseErrors(t *testing.T) {
	event := func(more string) string {
		return `{"specversion":"1.0","id":"1","source":"s","type":"t",` + more + `}`
	}
	for body, want := range map[string]string{
		``: "not JSON", `[]`: "a JSON object, this is an array", `"x"`: "this is a string", `null`: "this is null", `7`: "this is a number", `{"a":1} x`: "something follows",
		`{}`: `no attribute "specversion"`,
		`{"specversion":"1.0","source":"s","type":"t"}`:                        `no attribute "id"`,
		`{"specversion":"1.0","id":null,"source":"s","type":"t"}`:              `no attribute "id"`,
		`{"specversion":"1.0","id":"","source":"s","type":"t"}`:                `"id" is empty`,
		`{"specversion":"1.0","id":7,"source":"s","type":"t"}`:                 `"id" must be a string, not a number`,
		`{"specversion":"0.3","id":"7","source":"s","type":"t"}`:               `understood is "1.0"`,
		`{"specversion":1.0,"id":"7","source":"s","type":"t"}`:                 `"specversion" must be a string`,
		`{"specversion":"1.0","id":"7","source":"%zz","type":"t"}`:             "no URI reference",
		event(`"time":"yesterday"`):                                            "RFC 3339",
		event(`"dataschema":"schema.json"`):                                    "no absolute URI",
		event(`"myExtension":1`):                                               "lower-case letters and digits",
		event(`"":1`):                                                          "no name",
		event(`"ext":{}`):                                                      "is an object",
		event(`"ext":1.5`):                                                     "is a number",
		event(`"ext":2147483648`):                                              "32 bits",
		event(`"data":1,"data_base64":"AQ=="`):                                 "one of them",
		event(`"data_base64":"?"`):                                             "not Base64",
		event(`"data_base64":7`):                                               "must be a string",
		event(`"subject":""`):                                                  `"subject" is empty`,
		event(`"id":"` + strings.Repeat("x", 1025) + `"`):                      "1025 bytes long",
		event(`"data":` + strings.Repeat("[", 300) + strings.Repeat("]", 300)): "deeper",
	} {
		if e, err := Parse([]byte(body)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.200s: got %v, %v, want %s", body, e.Value.Repr(), err, want)
		}
	}
}

// Whatever comes is an event or an error; an event can be stored or is too large.
func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"specversion":"1.0","id":"7","source":"/shop","type":"order.created","data":{"a":[1,2.5,null]}}`))
	f.Add([]byte(`{"specversion":"1.0","id":"7","source":"/shop","type":"t","data_base64":"AQI=","time":"2026-01-31T12:00:00Z"}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		e, err := Parse(body)
		if err != nil {
			return
		}
		if e.ID == "" || e.Source == "" || e.Type == "" {
			t.Fatalf("accepted without a name: %+v", e)
		}
		if _, err := value.Encode(e.Value); err != nil && len(body) < value.MaxSize/2 {
			t.Fatal(err)
		}
	})
}
