const user = { age: 34, country: "DE", plan: "pro", spend: 129.5 };
return user.age >= 18 && (user.country === "DE" || user.country === "FR") && user.plan !== "free" && user.spend > 100.0;
