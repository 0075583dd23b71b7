package eval

import (
	"fmt"
	"net/netip"
)

// network is a range of IP addresses.
type network netip.Prefix

func newNetwork(cidr string) (network, error) {
	p, err := netip.ParsePrefix(cidr)
	if err != nil {
		return network{}, fmt.Errorf("%q is no network such as 10.0.0.0/8 or 2001:db8::/32", cidr)
	}
	return network(p), nil
}

// Network gives the usual spelling of a range of IP addresses in the notation of RFC 4632, such as 10.0.0.0/8: what the
// prefix length leaves out is zero. The error says what is wrong with it.
func Network(cidr string) (string, error) {
	n, err := newNetwork(cidr)
	return netip.Prefix(n).Masked().String(), err
}

// hasText reports whether s is an address in the network. An IPv4 address is in no IPv6 network, an IPv6 address, also one
// that is an IPv4 address mapped into IPv6 (::ffff:10.0.0.1), is in no IPv4 network, and one with a zone (fe80::1%eth0) is
// in none.
func (n network) hasText(s string) bool {
	if !addressLike(s) {
		return false // parsing it would allocate an error
	}
	a, err := netip.ParseAddr(s)
	return err == nil && netip.Prefix(n).Contains(a)
}

// addressLike reports whether s can be an address without a zone, as far as its characters tell.
func addressLike(s string) bool {
	const longest = len("ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255")
	if len(s) > longest {
		return false
	}
	colons, dots := 0, 0
	for i := range len(s) {
		switch c := s[i]; {
		case c == ':':
			colons++
		case c == '.':
			dots++
		case '0' <= c && c <= '9', 'a' <= c && c <= 'f', 'A' <= c && c <= 'F':
		default:
			return false
		}
	}
	return colons >= 2 || colons == 0 && dots == 3
}
