//! Damaged files, and files that claim more than they hold, made by hand.

use std::path::Path;

use super::read_pytorch;
use crate::weights::problem::Problem;

/// A file of the form without an archive: a pickle of values and storages of bytes `0, 1, 2, ..`.
fn file(values: &[u8], storages: &[(&str, usize)]) -> Vec<u8> {
    let mut file = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.".to_vec();
    file.extend(b"\x80\x02M\xe9\x03.\x80\x02}.");
    file.extend(values);
    file.push(b'.');
    file.extend(b"\x80\x02](");
    for (key, _) in storages {
        file.extend(text(key));
    }
    file.extend(b"e.");
    for &(_, bytes) in storages {
        file.extend((bytes as u64).to_le_bytes());
        file.extend((0..bytes).map(|byte| byte as u8));
    }
    file
}

fn text(text: &str) -> Vec<u8> {
    let length = u32::try_from(text.len()).unwrap().to_le_bytes();
    [b"X", &length[..], text.as_bytes()].concat()
}

fn number(number: i64) -> Vec<u8> {
    [b"\x8a\x08", &number.to_le_bytes()[..]].concat()
}

fn tuple(numbers: &[i64]) -> Vec<u8> {
    let numbers = numbers.iter().copied().flat_map(number);
    [b"(".to_vec(), numbers.collect(), b"t".to_vec()].concat()
}

/// A storage `a` of bytes and a tensor of them.
fn tensor(len: i64, offset: i64, shape: &[i64], strides: &[i64]) -> Vec<u8> {
    tensor_in(b"N", len, offset, shape, strides)
}

/// The same in the part of the storage that `view` describes.
fn tensor_in(view: &[u8], len: i64, offset: i64, shape: &[i64], strides: &[i64]) -> Vec<u8> {
    [
        b"ctorch._utils\n_rebuild_tensor_v2\n((".to_vec(),
        text("storage"),
        b"ctorch\nByteStorage\n".to_vec(),
        text("a"),
        text("cpu"),
        number(len),
        view.to_vec(),
        b"tQ".to_vec(),
        number(offset),
        tuple(shape),
        tuple(strides),
        b"\x89NtR".to_vec(),
    ]
    .concat()
}

fn dict(values: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let items = values.iter();
    let items = items.flat_map(|(name, value)| [text(name), value.clone(), b"s".to_vec()].concat());
    [b"}".to_vec(), items.collect()].concat()
}

fn values(file: &[u8]) -> Vec<f32> {
    read_pytorch(file, None).unwrap()["w.x"].values.clone()
}

fn refusal(file: &[u8]) -> String {
    read_pytorch(file, None).unwrap_err().to_string()
}

#[test]
fn tensors_stay_within_their_storage() {
    let of = |tensor: Vec<u8>| file(&dict(&[("w.x", tensor)]), &[("a", 6)]);
    assert_eq!(
        values(&of(tensor(6, 1, &[2, 2], &[1, 3]))),
        [1.0, 4.0, 2.0, 5.0]
    );
    assert_eq!(values(&of(tensor(6, 6, &[2, 0], &[9, 9]))), [0.0f32; 0]);
    for (tensor, part) in [
        (tensor(6, 0, &[7], &[1]), "beyond its storage"),
        (tensor(6, 6, &[1], &[1]), "beyond its storage"),
        (tensor(6, 0, &[2, 2], &[5, 1]), "beyond its storage"),
        // The storage claims more than the file has.
        (tensor(7, 0, &[7], &[1]), "is incomplete"),
        (tensor(i64::MAX, 0, &[i64::MAX], &[1]), "is incomplete"),
        (tensor(-1, 0, &[1], &[1]), "neither storage nor class"),
        (tensor(6, -1, &[1], &[1]), "sizes and strides"),
        (tensor(6, 0, &[-1], &[1]), "sizes and strides"),
        (tensor(6, 5, &[2], &[-1]), "sizes and strides"),
        (tensor(6, 0, &[2], &[1, 1]), "has 2 strides"),
        (tensor(6, 0, &[i64::MAX, i64::MAX], &[0, 0]), "too large"),
        (tensor(6, 0, &[2; 65], &[0; 65]), "sizes and strides"),
        // A number repeated without an end.
        (tensor(6, 0, &[i64::MAX], &[0]), "claims"),
        (
            tensor(6, 0, &[1 << 30], &[0]),
            "claims 4294967296 bytes for tensor `w.x`",
        ),
    ] {
        let message = refusal(&of(tensor));
        assert!(message.contains(part), "{message}\nlacks {part}");
    }
}

/// As PyTorch wrote parts of storages before 1.0.
#[test]
fn a_storage_may_be_a_part_of_another() {
    let view = |offset, len| {
        [
            b"(".to_vec(),
            text("b"),
            number(offset),
            number(len),
            b"t".to_vec(),
        ]
    };
    let of = |offset, len| {
        let tensor = tensor_in(&view(offset, len).concat(), 6, 1, &[2], &[1]);
        file(&dict(&[("w.x", tensor)]), &[("a", 6)])
    };
    assert_eq!(values(&of(2, 3)), [3.0, 4.0]);
    assert!(refusal(&of(2, 2)).contains("beyond its storage"));
    assert!(refusal(&of(4, 3)).contains("is incomplete"));
    assert!(refusal(&of(i64::MAX, 3)).contains("is incomplete"));
}

#[test]
fn storages_stay_within_the_file() {
    let mut file = file(&dict(&[("w.x", tensor(6, 0, &[6], &[1]))]), &[("a", 6)]);
    let at = file.len() - 6 - 8;
    file[at..at + 8].copy_from_slice(&u64::MAX.to_le_bytes());
    assert!(refusal(&file).contains("is cut short"));
}

#[test]
fn texts_and_bytes_stay_within_the_file() {
    for claim in [
        &b"X\xff\xff\xff\xff"[..],
        b"T\xff\xff\xff\x7f",
        b"B\xff\xff\xff\xff",
        b"\x8b\xff\xff\xff\xff",
        b"\x8d\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\x8e\xff\xff\xff\xff\xff\xff\xff\x7f",
        b"\x96\xff\xff\xff\xff\xff\xff\xff\xff",
    ] {
        let message = refusal(&file(claim, &[]));
        assert!(message.contains("is cut short"), "{message}");
    }
}

#[test]
fn values_that_double_are_refused() {
    // Each dictionary holds the one before it twice: 2^30 names for one tensor.
    let mut doubled = tensor(6, 0, &[6], &[1]);
    for _ in 0..30 {
        doubled.extend(b"q\x000}");
        for key in ["a", "b"] {
            doubled.extend([&text(key)[..], b"h\x00s"].concat());
        }
    }
    let message = refusal(&file(&doubled, &[("a", 6)]));
    assert!(
        message.contains("for the names of its tensors"),
        "{message}"
    );

    // A long list that is given to many dictionaries.
    let mut many = b"](".to_vec();
    many.extend(b"NN\x86".repeat(100_000));
    many.extend(b"e\x85q\x000ccollections\nOrderedDict\nq\x010(");
    many.extend(b"h\x01h\x00R".repeat(100_000));
    many.extend(b"t");
    let message = refusal(&file(&many, &[]));
    assert!(
        message.contains("for the values of its pickle"),
        "{message}"
    );
}

#[test]
fn circles_and_depths_come_to_an_end() {
    // `d = {"w.x": tensor, "d": d}`
    let circle = [
        b"}q\x00".to_vec(),
        text("w.x"),
        tensor(6, 0, &[6], &[1]),
        b"s".to_vec(),
        text("d"),
        b"h\x00s".to_vec(),
    ];
    let message = refusal(&file(&circle.concat(), &[("a", 6)]));
    assert!(message.contains("nested more than 32 deep"), "{message}");

    let beside = |value: Vec<u8>| {
        let weights = tensor(6, 0, &[6], &[1]);
        file(
            &dict(&[("net", dict(&[("w.x", weights)])), ("other", value)]),
            &[("a", 6)],
        )
    };
    let deep = [b"](".repeat(50_000), b"e".repeat(50_000)].concat();
    assert_eq!(values(&beside(deep)).len(), 6);
    let with_tensor = [
        b"](".repeat(50_000),
        tensor(6, 0, &[6], &[1]),
        b"e".repeat(50_000),
    ];
    assert_eq!(values(&beside(with_tensor.concat())).len(), 6);
    assert_eq!(values(&beside(circle.concat())).len(), 6);
}

#[test]
fn other_pickles_are_refused_by_name() {
    for (pickle, part) in [
        (&b"\x80\x06N"[..], "protocol 6"),
        (b"Pname\n", "an identifier in text"),
        (b"\x82\x01", "a registered extension"),
        (b"\x97", "a buffer kept outside"),
        (b"\xee", "byte 0xee is no instruction"),
        (b"0", "takes a value where there is none"),
        (b"N(R", "takes a value where there is none"),
        (b"h\x05", "recalls value 5"),
        (b"gx\n", "recalls value `x`"),
        (b"NQ", "kept apart"),
        (b"N(NNu", "sets items"),
        (b"NNa", "appends to what is no list"),
        (b"NN\x93", "by no text"),
        (b"(o", "without a class"),
    ] {
        let message = refusal(&file(pickle, &[]));
        assert!(message.contains(part), "{message}\nlacks {part}");
    }
    let plain = read_pytorch(b"\x80\x02K\x01.", None).unwrap_err();
    assert!(matches!(&plain, Problem::Refused(text) if text.contains("PyTorch did not write")));
    for other in [
        &b"<!DOCTYPE html>"[..],
        b"version https://git-lfs.github.com/spec/v1\n",
    ] {
        assert!(refusal(other).contains("no PyTorch file"));
    }
    let mut tar = vec![0; 512];
    tar[257..262].copy_from_slice(b"ustar");
    assert!(refusal(&tar).contains("tar archive"));
}

#[test]
fn numbers_of_every_pickled_form_are_sizes() {
    let sizes: [&[u8]; 9] = [
        b"I3\n",
        b"L3L\n",
        b"K\x03",
        b"M\x03\x00",
        b"J\x03\x00\x00\x00",
        b"\x8a\x01\x03",
        b"\x8b\x02\x00\x00\x00\x03\x00",
        b"NN00K\x03",
        b"N200(N1K\x03r\x00\x01\x00\x000j\x00\x01\x00\x00",
    ];
    let whole = tensor(6, 0, &[3], &[2]);
    let place = whole
        .windows(10)
        .rposition(|part| part == number(3))
        .unwrap();
    for size in sizes {
        let tensor = [&whole[..place], size, &whole[place + 10..]].concat();
        let file = file(&dict(&[("w.x", tensor)]), &[("a", 6)]);
        assert_eq!(values(&file), [0.0, 2.0, 4.0], "{size:?}");
    }
}

/// Archives have checksums, so that a changed byte is noticed or does not matter. Other files have none;
/// there a changed byte may give other values, but it ends no worse.
#[test]
fn a_changed_byte_anywhere_is_noticed_or_harmless() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/torch/checkpoints");
    for name in [
        "strided.pt",
        "deflated.pt",
        "zip64.pt",
        "legacy_strided.pth",
        "extras_legacy.pth.tar",
    ] {
        let mut file = std::fs::read(folder.join(name)).unwrap();
        let whole = read_pytorch(&file, None).unwrap();
        for place in 0..file.len() {
            for flipped in [0x01, 0x80, 0xff] {
                file[place] ^= flipped;
                if let Ok(state) = read_pytorch(&file, None)
                    && name.ends_with(".pt")
                {
                    assert_eq!(state, whole, "{name}: byte {place}");
                }
                file[place] ^= flipped;
            }
        }
    }
}
