use super::*;

fn read(text: &str) -> Result<Literal, Unreadable> {
    Reader::new(text, 0).value()
}

fn numbers(values: &[f64]) -> Literal {
    Literal::List(values.iter().map(|&value| Literal::Number(value)).collect())
}

#[test]
fn what_python_and_json_write_is_read() {
    let text = |text: &str| Literal::Text(text.into());
    for (source, expected) in [
        ("[1, 2,]", numbers(&[1.0, 2.0])),
        ("( 1 ,)", numbers(&[1.0])),
        ("(1)", Literal::Number(1.0)),
        ("()", numbers(&[])),
        ("{3, 4}", numbers(&[3.0, 4.0])),
        ("list(range(2, 2 + 3))", numbers(&[2.0, 3.0, 4.0])),
        ("range(5, 1, -2)", numbers(&[5.0, 3.0])),
        ("range(3, 1)", numbers(&[])),
        ("[np.int64(3), -1e-3]", numbers(&[3.0, -0.001])),
        (r#"'it\'s'"#, text("it's")),
        (r#""a\u0062\n""#, text("ab\n")),
        (r"r'a\n'", text(r"a\n")),
        ("'''a\nb'''", text("a\nb")),
        ("('a' \"b\")", text("ab")),
        ("null", Literal::Name("null".into())),
    ] {
        assert_eq!(read(source), Ok(expected), "{source}");
    }
    let fields = Literal::Fields(vec![("a".into(), Literal::Number(1.0))]);
    for source in [
        "{'a': 1}",
        "{\"a\": 1, }",
        "dict(a=1)",
        "OrderedDict([('a', 1)])",
    ] {
        assert_eq!(read(source).as_ref(), Ok(&fields), "{source}");
    }
    let call = read("x.Genotype_a(1, [2], # note\n b = 'c',)").unwrap();
    let Literal::Call {
        name,
        positional,
        named,
    } = call
    else {
        panic!("{call:?}");
    };
    assert_eq!((name.as_str(), positional.len()), ("x.Genotype_a", 2));
    assert_eq!(named, [("b".into(), text("c"))]);
}

#[test]
fn what_is_no_value_says_where_and_why() {
    for (source, at, problem) in [
        ("[1, 2", 5, "ends before `]`"),
        ("[1 2]", 3, "`2` where `,` or `]` should be"),
        ("[a[0]]", 2, "`[` where `,` or `]` should be"),
        ("['a]", 1, "does not end"),
        ("", 0, "ends where a value should be"),
        ("[--]", 1, "no number"),
        ("[1 + 'a']", 8, "added to a number"),
    ] {
        let error = read(source).unwrap_err();
        assert_eq!(error.at, at, "{source}: {error:?}");
        assert!(error.problem.contains(problem), "{source}: {error:?}");
    }
    let deep = "[".repeat(100_000);
    assert!(
        read(&deep)
            .unwrap_err()
            .problem
            .contains("within each other")
    );
    let deep = "f(".repeat(100_000);
    assert!(
        read(&deep)
            .unwrap_err()
            .problem
            .contains("within each other")
    );
}
