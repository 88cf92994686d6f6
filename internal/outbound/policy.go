package outbound

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// The limits of an app's settings.
const (
	MaxHosts    = 200
	MaxNetworks = 50
	maxHostName = 253 // RFC 1035, section 2.3.4
)

// Policy is what the calls of an app may reach, as texts.
type Policy struct {
	Hosts    []string // see CheckHost; none: every public host
	Networks []string // see CheckNetwork; ranges that are not public and yet open
}

// CheckHost returns what is wrong with an entry of Policy.Hosts: a name, or
// *.name for all below it, or an address; perhaps with a port. Lower case.
func CheckHost(entry string) error {
	host, port := cutPort(entry)
	name := strings.TrimPrefix(host, "*.")
	if strings.ContainsAny(entry, "/@?#") {
		return fmt.Errorf("%q is no host such as api.example.com, *.example.com or api.example.com:8443: write neither scheme nor path", entry)
	}
	if err := checkPort(port, entry); err != nil {
		return err
	}
	if a, err := netip.ParseAddr(strings.Trim(name, "[]")); err == nil {
		if name != host || a.Zone() != "" || a.Is6() != strings.HasPrefix(host, "[") {
			return fmt.Errorf("%q is no host such as api.example.com, *.example.com or [2001:db8::1]:8443", entry)
		}
		return nil
	}
	if name != strings.ToLower(name) || strings.HasSuffix(name, ".") {
		return fmt.Errorf("%q is no host: write it in lower case, without a dot at its end", entry)
	}
	if err := checkName(name); err != nil {
		return fmt.Errorf("%q is no host such as api.example.com, *.example.com or api.example.com:8443: %w", entry, err)
	}
	return nil
}

// CheckNetwork returns what is wrong with an entry of Policy.Networks: an
// address or a range in CIDR form, perhaps with a port. A range is written by
// its first address.
func CheckNetwork(entry string) error {
	_, err := parseNetwork(entry)
	return err
}

// network is a range that is open, at one port or at all (0).
type network struct {
	prefix netip.Prefix
	port   uint16
}

func parseNetwork(entry string) (n network, err error) {
	malformed := fmt.Errorf("%q is no network such as 192.168.1.0/24, 192.168.1.10:8123 or [fd00::1]:8123", entry)
	text, port := entry, ""
	if strings.HasPrefix(entry, "[") || strings.Count(entry, ":") == 1 {
		text, port = cutPort(entry)
		text = strings.Trim(text, "[]")
	}
	if port != "" || strings.HasSuffix(entry, ":") {
		if err := checkPort(port, entry); err != nil {
			return n, err
		}
		p, _ := strconv.ParseUint(port, 10, 16)
		n.port = uint16(p)
	}
	if !strings.Contains(text, "/") {
		a, err := netip.ParseAddr(text)
		if err != nil || a.Zone() != "" {
			return n, malformed
		}
		a = a.Unmap()
		n.prefix = netip.PrefixFrom(a, a.BitLen())
		return n, nil
	}
	if n.prefix, err = netip.ParsePrefix(text); err != nil || n.prefix.Addr().Is4In6() {
		return n, malformed
	}
	if n.prefix.Masked() != n.prefix {
		return n, fmt.Errorf("%q does not begin at its first address: did you mean %s?", entry, n.prefix.Masked())
	}
	return n, nil
}

// cutPort splits "host:port"; an IPv6 address stands in brackets.
func cutPort(s string) (host, port string) {
	i := strings.LastIndexByte(s, ':')
	if i < 0 || strings.HasSuffix(s, "]") || i > 0 && strings.Contains(s[:i], ":") && s[i-1] != ']' {
		return s, ""
	}
	return s[:i], s[i+1:]
}

func checkPort(port, entry string) error {
	if port == "" && !strings.HasSuffix(entry, ":") {
		return nil
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 || port[0] == '0' {
		return fmt.Errorf("%q: the port is a number from 1 to 65535", entry)
	}
	return nil
}

// allowsHost reports whether hosts name a host, in lower case without brackets,
// and its port.
func allowsHost(hosts []string, host, port string) bool {
	if len(hosts) == 0 {
		return true
	}
	for _, entry := range hosts {
		h, p := cutPort(entry)
		if p != "" && p != port {
			continue
		}
		if below, ok := strings.CutPrefix(h, "*"); ok {
			if strings.HasSuffix(host, below) && len(host) > len(below) {
				return true
			}
			continue
		}
		if h == host {
			return true
		}
		if a, err := netip.ParseAddr(strings.Trim(h, "[]")); err == nil && a.String() == host {
			return true
		}
	}
	return false
}

// opens reports whether one of the networks holds an address and its port.
// Entries that are malformed open nothing.
func opens(networks []string, at netip.AddrPort) bool {
	for _, entry := range networks {
		n, err := parseNetwork(entry)
		if err == nil && n.prefix.Contains(at.Addr()) && (n.port == 0 || n.port == at.Port()) {
			return true
		}
	}
	return false
}
