package outbound

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// maxURL bounds an address, in bytes.
const maxURL = 16 << 10

// target is where a call goes.
type target struct {
	url        *url.URL // with the host in its one form, without a fragment
	host, port string   // without brackets
}

// origin is the scheme, host and port.
func (t *target) origin() string { return t.url.Scheme + "://" + t.address() }

// address is the host and the port.
func (t *target) address() string {
	if strings.Contains(t.host, ":") {
		return "[" + t.host + "]:" + t.port
	}
	return t.host + ":" + t.port
}

// display is the host, and the port unless it is the scheme's own.
func (t *target) display() string { return t.url.Host }

// parseTarget reads an address strictly: what two programs could read in two
// ways is refused.
func parseTarget(text string) (*target, error) {
	if len(text) > maxURL {
		return nil, fmt.Errorf("the address has more than %d bytes", maxURL)
	}
	for i := 0; i < len(text); i++ {
		if ch := text[i]; ch <= ' ' || ch == 0x7f || ch == '\\' {
			return nil, errors.New("the address contains a blank, a backslash or a control character: url::encode makes its parts fit")
		}
	}
	u, err := url.Parse(text)
	if err != nil {
		var ue *url.Error
		if errors.As(err, &ue) {
			err = ue.Err // without the address, which may hold secrets
		}
		return nil, fmt.Errorf("the address is malformed: %w", err)
	}
	return newTarget(u)
}

func newTarget(u *url.URL) (*target, error) {
	t := &target{url: u}
	switch {
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, errors.New("the address must begin with http:// or https://")
	case u.User != nil:
		return nil, errors.New("the address holds a user name or password: send them in the header authorization")
	case u.Opaque != "" || u.Host == "":
		return nil, errors.New("the address names no host")
	}
	var err error
	if t.host, err = canonicalHost(u.Hostname(), strings.HasPrefix(u.Host, "[")); err != nil {
		return nil, err
	}
	switch t.port = u.Port(); {
	case t.port != "":
		n, err := strconv.ParseUint(t.port, 10, 16)
		if err != nil || n == 0 {
			return nil, fmt.Errorf("%q is no port", t.port)
		}
		t.port = strconv.FormatUint(n, 10)
	case u.Scheme == "https":
		t.port = "443"
	default:
		t.port = "80"
	}
	u.Host = t.address()
	if t.port == map[string]string{"http": "80", "https": "443"}[u.Scheme] {
		u.Host = strings.TrimSuffix(u.Host, ":"+t.port)
	}
	u.Fragment, u.RawFragment = "", ""
	return t, nil
}

// canonicalHost is a host in the one form that is compared, looked up and
// dialled: a name in lower case without the dot at its end, or an address.
func canonicalHost(host string, bracketed bool) (string, error) {
	host = strings.ToLower(host)
	if bracketed {
		a, err := netip.ParseAddr(host)
		if err != nil || !a.Is6() || a.Zone() != "" {
			return "", fmt.Errorf("%q is no IPv6 address without a zone", host)
		}
		return a.Unmap().String(), nil
	}
	host = strings.TrimSuffix(host, ".")
	if a, err := netip.ParseAddr(host); err == nil && a.Is4() {
		return a.String(), nil
	}
	return host, checkName(host)
}

// checkName returns what is wrong with the name of a host. One whose last label
// is a number is none: browsers read 2130706433, 0x7f.1 and 0177.0.0.1 as
// addresses (WHATWG URL, "ends in a number").
func checkName(name string) error {
	if name == "" || len(name) > maxHostName {
		return fmt.Errorf("the host is empty or longer than %d characters", maxHostName)
	}
	last := ""
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > 63 {
			return fmt.Errorf("%q is no host: a part between dots has 1 to 63 characters", name)
		}
		for i := 0; i < len(label); i++ {
			switch ch := label[i]; {
			case ch >= 'a' && ch <= 'z', ch >= '0' && ch <= '9', ch == '-' && i > 0, ch == '_':
			case ch >= 0x80:
				return fmt.Errorf("%q is not ASCII: write the name as xn--…", name)
			default:
				return fmt.Errorf("%q is no host", name)
			}
		}
		last = label
	}
	if numeric(last) {
		return fmt.Errorf("%q looks like a number, but is no IPv4 address: write four decimal numbers without zeros before them", name)
	}
	return nil
}

func numeric(label string) bool {
	digits := "0123456789"
	if rest, ok := strings.CutPrefix(label, "0x"); ok {
		label, digits = rest, "0123456789abcdef"
	}
	return strings.Trim(label, digits) == ""
}
