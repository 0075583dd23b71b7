package eval

import "math/bits"

// murmur is a MurmurHash3_x86_32 with seed 0 under way, by Austin Appleby's public-domain reference
// (github.com/aappleby/smhasher, src/MurmurHash3.cpp). Its zero value has read nothing. Being a value, it can be kept
// after a prefix and continued from there any number of times.
type murmur struct {
	hash  uint32
	block uint32 // bytes read since the last whole block of four, the first of them lowest
	size  uint32 // bytes read, modulo 2^32
}

// write reads s.
func write[T string | []byte](m *murmur, s T) {
	i := 0
	for ; i < len(s) && m.size%4 != 0; i++ {
		m.byte(s[i])
	}
	for ; i+4 <= len(s); i += 4 {
		block := uint32(s[i]) | uint32(s[i+1])<<8 | uint32(s[i+2])<<16 | uint32(s[i+3])<<24
		m.hash = bits.RotateLeft32(m.hash^scramble(block), 13)*5 + 0xe6546b64
		m.size += 4
	}
	for ; i < len(s); i++ {
		m.byte(s[i])
	}
}

func (m *murmur) byte(c byte) {
	m.block |= uint32(c) << (8 * (m.size % 4))
	if m.size++; m.size%4 == 0 {
		m.hash = bits.RotateLeft32(m.hash^scramble(m.block), 13)*5 + 0xe6546b64
		m.block = 0
	}
}

func scramble(block uint32) uint32 {
	return bits.RotateLeft32(block*0xcc9e2d51, 15) * 0x1b873593
}

// sum gives the hash of all that was read.
func (m murmur) sum() uint32 {
	h := m.hash ^ scramble(m.block) ^ m.size
	h = (h ^ h>>16) * 0x85ebca6b
	h = (h ^ h>>13) * 0xc2b2ae35
	return h ^ h>>16
}
